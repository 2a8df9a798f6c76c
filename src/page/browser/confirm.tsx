import { useLayoutEffect, useRef } from "preact/hooks";

/** Something that cannot be taken back, before it is done. */
export type Question = Readonly<{ title: string; text: string; yes: string; onYes(): void }>;

/** The browser's own modal dialog: it keeps the focus, and Escape says no. */
export function Confirm({ question, onDone }: Readonly<{ question: Question; onDone(): void }>) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before it is painted: nobody is to see it, or press a key, while it is not open.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const { title, text, yes, onYes } = question;
  return (
    <dialog ref={dialog} onClose={onDone} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{title}</h2>
      <p>{text}</p>
      <form method="dialog">
        <button type="submit">Cancel</button>
        <button type="submit" class="danger" onClick={onYes}>
          {yes}
        </button>
      </form>
    </dialog>
  );
}

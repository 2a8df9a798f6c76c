import type { ComponentChildren } from "preact";

/** A part of the page; `name` in small letters is where the navigation leads. */
export function Section({
  name,
  aside = null,
  children,
}: Readonly<{ name: string; aside?: ComponentChildren; children: ComponentChildren }>) {
  const id = name.toLowerCase();
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <div class="title">
        <h2 id={`${id}-title`}>{name}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Says that there is nothing, once it is known. */
export function Empty({ list, words }: Readonly<{ list: readonly unknown[] | null; words: string }>) {
  if (list === null) return <p class="dim">…</p>;
  return list.length === 0 ? <p class="dim">{words}</p> : null;
}

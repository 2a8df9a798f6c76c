import { useEffect, useRef, useState } from "preact/hooks";
import type { Refusal } from "./admin.ts";

type SignInProps = Readonly<{ refusal: Refusal; given: string | null; onToken(token: string | null): void }>;

/** What stands in the way, and the one thing that helps. */
export function SignIn({ refusal, given, onToken }: SignInProps) {
  const [token, setToken] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const isFirst = refusal.status === 401 && given === null;
  return (
    <main class="sign-in">
      <h1>Hedgerow</h1>
      {isFirst ? (
        <p>
          This instance wants its <code>admin.token</code>.
        </p>
      ) : (
        <p class="bad" role="alert">
          {refusal.message}
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (token !== "") onToken(token);
        }}
      >
        <label>
          Token
          <input
            ref={field}
            type="password"
            autocomplete="current-password"
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
          />
        </label>
        <button type="submit">Sign in</button>
        {isFirst ? null : (
          <button type="button" onClick={() => onToken(given)}>
            Try again
          </button>
        )}
      </form>
      <p class="dim">It is kept for this tab alone, and sent to this instance alone.</p>
    </main>
  );
}

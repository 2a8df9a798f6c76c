/** Counts the bytes that many hold at once, so that their sum stays bounded. */
export type ByteAccount = Readonly<{
  /** Takes `bytes`, given back when the answer is disposed (once; more often is harmless); null where they are not left. */
  take(bytes: number): Disposable | null;
  /** For one who holds now more, now less. */
  share(): Share;
  /** Bytes taken now. */
  used(): number;
}>;

/** Owns what one holder has taken: given back when disposed, and nothing can be taken after that. */
export type Share = Disposable &
  Readonly<{
    /** Takes or gives back as many as it needs to have `bytes`; false where they are not left, and nothing has changed. */
    resize(bytes: number): boolean;
  }>;

/** `bytesMax` is asked whenever more is taken, so that a reload may change it. */
export function byteAccount(bytesMax: () => number): ByteAccount {
  let used = 0;

  function share(): Share {
    let held: number | "given back" = 0;
    return {
      resize(bytes) {
        if (held === "given back" || (bytes > held && used + bytes - held > bytesMax())) return false;
        used += bytes - held;
        held = bytes;
        return true;
      },
      [Symbol.dispose]() {
        if (held !== "given back") used -= held;
        held = "given back";
      },
    };
  }
  return {
    take(bytes) {
      if (used + bytes > bytesMax()) return null;
      const part = share();
      part.resize(bytes);
      return part;
    },
    share,
    used: () => used,
  };
}

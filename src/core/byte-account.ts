/** Counts the bytes that many hold at once, so that their sum stays bounded. */
export type ByteAccount = Readonly<{
  /** Takes `bytes`, given back when the answer is disposed (once; more often is harmless); null where they are not left. */
  take(bytes: number): Disposable | null;
  /** Bytes taken now. */
  used(): number;
}>;

/** `bytesMax` is asked at every take, so that a reload may change it. */
export function byteAccount(bytesMax: () => number): ByteAccount {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > bytesMax()) return null;
      used += bytes;
      let held = bytes;
      return {
        [Symbol.dispose]() {
          used -= held;
          held = 0;
        },
      };
    },
    used: () => used,
  };
}

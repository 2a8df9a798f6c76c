const KEY = "hedgerow.admin.token";

/** Where the operator's token is kept between two loads of the page; it goes with the tab. */
export type StoredToken = Readonly<{ read(): string | null; write(token: string | null): void }>;

export function storedToken(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">): StoredToken {
  return {
    read: () => storage.getItem(KEY),
    write(token) {
      if (token === null) storage.removeItem(KEY);
      else storage.setItem(KEY, token);
    },
  };
}

/** `1 lease`, `2 leases`; for words that take no more than an s. */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

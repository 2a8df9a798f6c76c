/** Can only this machine reach a server that listens at `host`? Names but `localhost` may resolve to anything. */
export function isLoopback(host: string): boolean {
  return /^127(\.[0-9]{1,3}){3}$/.test(host) || host === "::1" || host.toLowerCase() === "localhost";
}

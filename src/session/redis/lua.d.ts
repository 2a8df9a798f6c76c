/** `import text from "./x.lua" with { type: "text" }`: the file's text, embedded in the binary. */
declare module "*.lua" {
  const text: string;
  export default text;
}

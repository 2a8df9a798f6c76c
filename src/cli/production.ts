// The framework reads this once, when it is first imported; a developer's stack traces are for no client.
process.env["NODE_ENV"] = "production";

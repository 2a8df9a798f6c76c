/** Colours by what they mean. */
export type Tone = "good" | "warn" | "bad" | "dim" | "strong";

/** Words and what they mean for whoever has to act. */
export type Told = Readonly<{ text: string; tone: Tone }>;

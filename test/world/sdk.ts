import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

/** The official SDKs, pointed at a proxy; they do not retry, so that what they tell is what the proxy did. */
export const anthropicAt = (url: string, apiKey = "any"): Anthropic =>
  new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });

export const openaiAt = (url: string, apiKey = "any"): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

export const geminiAt = (url: string, apiKey = "any"): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } });

/** What a call throws; fails where it does not throw. */
export async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

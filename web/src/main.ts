import "./style.css";

import { Description, type Language } from "./model/description";
import { Skeleton } from "./poses/skeleton";
import { isNotation, Server } from "./server";
import { remarkOn, spell } from "./text/letters";
import { WORD_SPACE } from "./text/spelling";
import { connectDownloads } from "./ui/downloads";
import { element } from "./ui/elements";
import { Person } from "./ui/person";
import { Player } from "./ui/player";
import { TokenPanel } from "./ui/tokens";
import type { Answer, Wish } from "./worker";
import type { PoseSequence } from "./poses/sequence";
import type { Caption } from "./signing/text";

const PAUSE = 500; // milliseconds without a key, after which what was typed is signed
const FIRST = "ase"; // the language that is chosen at first, where the model knows it

const form = element("form", HTMLFormElement);
const text = element("text", HTMLInputElement);
const language = element("language", HTMLSelectElement);
const [speed, steps, guidance] = ["speed", "steps", "guidance"].map((id) => element(id, HTMLInputElement));
const style = element("style", HTMLSelectElement);
const borrow = element("borrow", HTMLInputElement);
const status = element("status", HTMLParagraphElement);
const problem = element("problem", HTMLParagraphElement);
const saved = element("saved", HTMLParagraphElement);
const alphabet = element("alphabet", HTMLParagraphElement);
const remark = element("remark", HTMLParagraphElement);
// Written into the page by `text-to-pose app`; any other page asks no server for anything.
const address = document.querySelector<HTMLMetaElement>("meta[name=api]")?.content;

let description: Description | undefined;
let ready = false;
let wishes = 0;
let timer: number | undefined;
let shown = ""; // the text that is being signed
let viewing = false; // whether a file is shown, rather than a text
let server: Server | undefined;

const player = new Player();
connectDownloads(player, (line) => (saved.textContent = line));
const person = new Person(() => description, (clip, name) => {
  clearTimeout(timer);
  viewing = true;
  wishes++; // what is being signed is not wanted now
  show(clip, [], name);
  finish(`${name} is shown. Sign a text to go back to it.`);
}, sign);
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
// Written into the page by `text-to-pose web --tokens`, with the tokenizer's files.
const withTokens = document.querySelector("meta[name=tokenizer]") !== null;
const tokens = withTokens ? new TokenPanel(player, (wish) => worker.postMessage(wish)) : undefined;

worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
  if ("encoding" in data) tokens?.take(data);
  else if (data.kind === "described") describe(new Description(data.stored));
  else if (data.kind === "ready") {
    ready = true;
    if (!viewing) sign();
  } else if (data.kind === "failed") {
    if (data.id === undefined || data.id === wishes) refuse(data.message);
  } else if (data.id !== wishes) return;
  else if (data.kind === "letter") {
    const line = `Signing letter ${data.letter + 1} of ${data.letters} …`;
    if (status.textContent !== line) status.textContent = line; // each change is read out
  } else {
    const { sequence, captions, milliseconds } = data;
    sequence.skeleton = new Skeleton(sequence.skeleton.components); // it arrives without its methods
    show(sequence, captions, shown);
    finish(`${captions.map((caption) => caption.text).join(" ")}: ${(sequence.frames / sequence.fps).toFixed(1)} s of signing, made in ${(milliseconds / 1000).toFixed(1)} s.`);
  }
});
worker.addEventListener("error", (event) => refuse(event.message || "The page's worker does not start in this browser."));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  sign();
});
document.addEventListener("input", ({ target }) => {
  if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement) || target.form !== form) return;
  if (target instanceof HTMLInputElement && target.type === "range") showValue(target);
  if (target === language) showAlphabet();
  clearTimeout(timer);
  timer = window.setTimeout(sign, PAUSE);
});

function show(sequence: PoseSequence, captions: Caption[], name: string): void {
  player.open(sequence, captions, name);
  tokens?.reset();
}

function describe(known: Description): void {
  description = known;
  const languages = known.stored.languages;
  language.replaceChildren(...languages.map(({ code, name }: Language) => new Option(`${name} (${code})`, code)));
  language.value = languages.some(({ code }) => code === FIRST) ? FIRST : languages[0].code;
  steps.value = String(known.stored.numSteps);
  guidance.value = String(known.stored.guidance);
  [speed, steps, guidance].forEach(showValue);
  showAlphabet();
}

/** Has the text signed, as the form says. */
function sign(): void {
  clearTimeout(timer);
  const id = ++wishes;
  viewing = false;
  if (server && isNotation(text.value)) return void signNotation(server, id);
  if (!description || !ready) return;
  const spelling = spell(text.value, language.value, borrow.checked, description);
  const { name } = description.language(language.value);
  if (!text.value.trim()) return refuse("Type a word to have it signed.", text);
  if (spelling.missing.length) {
    const missing = spelling.missing.map((letter) => letter.toUpperCase()).join(", ");
    const help = borrow.checked ? "" : " “Borrow missing letters” may help.";
    return refuse(`${name} has no letter ${missing} here.${help}`, text);
  }
  if (!spelling.letters.length) return refuse("There is no letter in this text.", text);
  refuse("");
  remark.textContent = asSentence(remarkOn(spelling));
  shown = spelling.letters.join("").split(WORD_SPACE).join(" ").toLowerCase();
  document.body.classList.add("busy");
  const wish: Wish = {
    id,
    letters: spelling.letters,
    language: language.value,
    fluent: style.value === "fluent",
    speed: Number(speed.value),
    steps: Number(steps.value),
    guidance: Number(guidance.value),
    start: person.start,
  };
  worker.postMessage(wish);
}

/** Has the server sign what is written, which needs no model. */
async function signNotation(server: Server, id: number): Promise<void> {
  refuse("");
  remark.textContent = "";
  document.body.classList.add("busy");
  status.textContent = "The server signs …";
  try {
    const { sequence, remarks } = await server.sign(text.value, Number(speed.value));
    if (id !== wishes) return;
    show(sequence, [], "the sign");
    remark.textContent = asSentence(remarks);
    finish(`HamNoSys: ${(sequence.frames / sequence.fps).toFixed(1)} s of signing, by its rules.`);
  } catch (error) {
    if (id === wishes) refuse((error as Error).message, text);
  }
}

function asSentence(line: string): string {
  return line && `${line[0].toUpperCase()}${line.slice(1)}.`;
}

function refuse(message: string, input?: HTMLElement): void {
  problem.textContent = message;
  if (message) finish("");
  if (input) input.setAttribute("aria-invalid", "true");
  else text.removeAttribute("aria-invalid");
}

function finish(message: string): void {
  document.body.classList.remove("busy");
  status.textContent = message;
}

function showValue(input: HTMLInputElement): void {
  const value = input === steps ? input.value : `${Number(input.value).toFixed(input === speed ? 2 : 1)}×`;
  element(`${input.id}-value`, HTMLOutputElement).textContent = value;
}

function showAlphabet(): void {
  const letters = description?.language(language.value).letters ?? [];
  alphabet.textContent = `Letters: ${letters.join(" ")}`;
}

// For tests, and for whoever is curious in the console.
Object.assign(window, { player });

if (address) {
  void Server.find(address).then((found) => {
    if (!found) return;
    server = found;
    text.maxLength = found.mostCharacters;
    if (found.estimates) person.takeVideos(found);
    element("text-label", HTMLLabelElement).textContent = "Words, or a sign in HamNoSys";
    element("about", HTMLParagraphElement).textContent =
      "Type a word and see it fingerspelled, by your own browser; or a sign in HamNoSys, which is sent to the server of this page and signed by its rules.";
    if (isNotation(text.value)) sign();
  });
} else if ("serviceWorker" in navigator && import.meta.env.PROD) {
  addEventListener("load", () => navigator.serviceWorker.register("service-worker.js").catch(() => {})); // without it, only offline use is lost
}

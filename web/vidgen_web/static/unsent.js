// Keeps what stands in the composer while it was not sent: whoever goes back, reloads or deletes a clip finds it again.
// It lies in this tab's session alone, without files (those are uploads already) and without the form's token.
import { announce } from "./announce.js";
import { pageOf } from "./forms.js";
import { onSwap, put } from "./page.js";
import { say } from "./words.js";

const NAME = `vidgen-unsent:${document.documentElement.dataset.token ?? ""}`;
// an address that asks for something else to stand in the composer
const ASKS = ["edit", "reuse", "mode", "source", "prompt", "slot", "model", "with"];
const OWN = ["csrf_token", "version", "editing"];

let editing = false;

/** `begun`: something was typed already. */
export function startUnsent(begun) {
  const asks = new URLSearchParams(location.search);
  editing = Boolean(form().elements.version);
  if (begun) keep();
  else if (location.pathname === "/" && !ASKS.some((name) => asks.has(name))) bringBack();
  document.addEventListener("input", (event) => event.target.closest("#composer-form") && keep());
  document.addEventListener("filled", keep);
  document.addEventListener("sent", () => sessionStorage.removeItem(NAME));
  onSwap((id) => {
    if (id !== "composer") return;
    const left = editing;
    editing = Boolean(form().elements.version);
    if (left && !editing) bringBack();
    else keep();
  });
}

function form() {
  return document.getElementById("composer-form");
}

function held() {
  const entries = [...new FormData(form())].filter(([name, value]) => typeof value === "string" && !OWN.includes(name));
  return JSON.stringify(entries);
}

function keep() {
  // a clip of the queue that is changed is kept there
  if (editing) return;
  try {
    sessionStorage.setItem(NAME, held());
  } catch {
    // no room, or none allowed: then nothing is kept
  }
}

async function bringBack() {
  const kept = sessionStorage.getItem(NAME);
  if (!kept || kept === held()) return;
  const data = new FormData();
  for (const [name, value] of JSON.parse(kept)) data.append(name, value);
  data.set("csrf_token", form().elements.csrf_token.value);
  try {
    const response = await fetch(form().dataset.recompose, { method: "POST", body: data, headers: { Accept: "text/html" } });
    if (!response.ok) return;
    put(await pageOf(response), "composer");
    announce(say("What you had not sent yet is here again."));
  } catch {
    // the service does not answer; it stays kept
  }
}

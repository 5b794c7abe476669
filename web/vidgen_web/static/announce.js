// Tells what happened: screen readers by one polite line at a time, never more often than every two seconds;
// what went wrong outside of any form everybody, in a line that stays until it is put away or something works again.
import { say } from "./words.js";

const QUIET_MS = 2000;
let last = 0;
let waiting = null;

export function announce(text) {
  const line = document.getElementById("announcer");
  if (!line) return;
  clearTimeout(waiting);
  const wait = Math.max(0, last + QUIET_MS - Date.now());
  waiting = setTimeout(() => {
    last = Date.now();
    line.textContent = text;
  }, wait);
}

/** What went wrong, and what to do. Failures of the network bear no message of their own that helps anybody. */
export function complain(error) {
  const line = document.getElementById("trouble");
  if (!line) return announce(told(error));
  line.hidden = false;
  line.querySelector("span").textContent = told(error);
}

export function noTrouble() {
  const line = document.getElementById("trouble");
  if (line) line.hidden = true;
}

export function told(error) {
  return error instanceof TypeError ? say("The service did not answer. Nothing was changed; try again in a moment.") : error.message;
}

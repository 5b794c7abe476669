// Tells screen readers what happened: one polite line at a time, never more often than every two seconds.
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

// A grid's page looks again while clips are still to come.
import { swap } from "./page.js";

const AGAIN_MS = 4000;

async function look() {
  if (!document.getElementById("grid").dataset.left) return;
  if (!document.hidden) await swap(location.href, ["grid"]).catch(() => {});
  setTimeout(look, AGAIN_MS);
}

setTimeout(look, AGAIN_MS);

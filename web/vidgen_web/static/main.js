// Boots the studio page. Everything here works as plain forms and links without these modules.
// What only a clip needs is fetched with the first one.
import { complain } from "./announce.js";
import { startComposer } from "./composer.js";
import { startConfirm } from "./confirm.js";
import { startForms } from "./forms.js";
import { followJobs, onRefresh } from "./live.js";
import { onSwap, startSwaps } from "./page.js";

startConfirm();
startSwaps();
startForms();
startComposer();
followJobs();

/** The module that knows `id`, once there is something in it. */
function once(id, holds, load) {
  let asked = false;
  const look = () => {
    if (asked || !document.querySelector(holds)) return;
    asked = true;
    load();
  };
  onSwap((swapped) => swapped === id && look());
  onRefresh(look);
  look();
}

once("viewer", "#player", async () => (await import("./viewer.js")).startViewer());
once("viewer", "#frame-form", async () => (await import("./next.js")).startNext());
once("gallery", "#gallery-cards > li, #sieve", async () => (await import("./gallery.js")).startGallery());
once("queue", "#queue-rows > .queued", async () => (await import("./queue.js")).startQueue());
once("composer", "#section-motion", async () => (await import("./motion.js")).startMotion());

const recalling = (act) => import("./recall.js").then(act, complain);
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-recall]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    recalling((it) => it.recall(link.dataset.recall, link.href));
  } else if (event.target.closest("[data-undo]")) recalling((it) => it.takeBack());
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "recall-form") return;
  event.preventDefault();
  recalling((it) => it.fromFile(event.target));
});

document.addEventListener("dragover", () => import("./dropping.js").then((it) => it.startDropping()), { once: true });

/** What is typed is kept from the first letter on; what was kept before comes back at once. */
function keepUnsent(event) {
  document.removeEventListener("input", keepUnsent);
  document.removeEventListener("filled", keepUnsent);
  import("./unsent.js").then((it) => it.startUnsent(Boolean(event)));
}
if (sessionStorage.length) keepUnsent();
else for (const kind of ["input", "filled"]) document.addEventListener(kind, keepUnsent);

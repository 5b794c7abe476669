// Boots the studio page. Everything here works as plain forms and links without these modules.
import { startComposer } from "./composer.js";
import { startConfirm } from "./confirm.js";
import { startForms } from "./forms.js";
import { startGallery } from "./gallery.js";
import { followJobs } from "./live.js";
import { startSwaps } from "./page.js";
import { startViewer } from "./viewer.js";

document.documentElement.classList.add("js");
startConfirm();
startSwaps();
startForms();
startComposer();
startViewer();
startGallery();
followJobs();

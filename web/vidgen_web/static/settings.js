// Boots the settings pages, which are plain forms.
import { startConfirm } from "./confirm.js";

startConfirm();

// The map: lanes, filters, selection, lines and keys. It runs after detail.js, in one script with it.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const root = document.documentElement;

const FAMILY = {
  plc: "control", rtu: "control", safety_controller: "control", drive_io: "control", gateway: "control",
  hmi: "people", engineering_station: "people", scada_server: "server", historian: "server", opcua_server: "server",
  switch: "network", router: "network", firewall: "network", printer: "office", camera: "office", it_client: "office", it_server: "office",
};
const SHORT = {
  plc: "PLC", rtu: "RTU", safety_controller: "SIS", drive_io: "I/O", gateway: "GW", hmi: "HMI", engineering_station: "ENG", scada_server: "SCADA",
  historian: "HIST", opcua_server: "OPC", switch: "SW", router: "RTR", firewall: "FW", printer: "PRN", camera: "CAM", it_client: "PC", it_server: "SRV",
};
const FAMILIES = { control: "Controllers and field", people: "Operator and engineering", server: "Plant servers", network: "Network", office: "Office", none: "Not known" };
const DASH = { session: [2, 4], identify: [2, 4], report: [], read: [], configure: [7, 4], write: [], mode: [7, 4], program: [12, 3] };
const WIDTH = { session: 1, identify: 1, report: 1.2, read: 1.4, configure: 1.8, write: 2, mode: 2, program: 2.4 };
const DENSE = 80;
const MANY_LINES = 150;

let selected = null;
let isolated = false;
let shown = new Set();
let visible = [];
const cards = [];

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = String(text);
  return element;
}

function add(parent, ...children) {
  for (const child of children) if (child) parent.append(child);
  return parent;
}

const family = (asset) => FAMILY[asset.role] || "none";
const roleTitle = (role) => (role ? data.roles[role] || role : "Role not known");
const gravest = (edge) => data.accesses.filter((access) => access in edge.accesses).pop() || "session";
const clock = (time) => (time ? time.slice(0, 19).replace("T", " ") : "");
const number = (count) => Number(count).toLocaleString("en");
const shownValue = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

/* ---- lanes ---- */

function drawLanes() {
  const place = $("lanes");
  place.classList.toggle("dense", data.assets.length > DENSE);
  for (const lane of data.lanes) {
    const head = add(make("header"), lane.level === "" ? null : make("b", "", lane.level), make("span", "", lane.title));
    const groups = make("div", "groups");
    for (const group of lane.groups) groups.append(drawGroup(group, lane.groups.length));
    place.append(add(make("section", "lane"), head, groups));
  }
  const nothing = make("p", "empty", "Nothing matches these filters.");
  nothing.id = "nothing";
  nothing.hidden = true;
  place.append(data.assets.length ? nothing : make("p", "empty", "No assets yet."));
  if (!data.assets.length) place.append(nothing);
}

function drawGroup(group, beside) {
  const box = make("div", beside === 1 || group.assets.length > 12 ? "group whole" : "group");
  const title = make("h2", "", group.zone === null ? "no zone " : `${group.zone} `);
  title.append(make("i", "", `· ${group.assets.length}`));
  const held = make("div", "cards");
  held.style.setProperty("--columns", Math.max(Math.min(group.assets.length, 2), Math.ceil(Math.sqrt(group.assets.length * 1.2))));
  for (const index of group.assets) held.append((cards[index] = drawCard(index)));
  return add(box, title, held);
}

function drawCard(index) {
  const asset = data.assets[index];
  const card = make("button", `card f-${family(asset)}`);
  card.type = "button";
  card.dataset.id = asset.id;
  card.setAttribute("aria-pressed", "false");
  const second = asset.called === asset.id ? asset.about : [asset.id, asset.about].filter(Boolean).join(" · ");
  card.title = [asset.called, roleTitle(asset.role), second].filter(Boolean).join("\n");
  add(card, make("span", "role", SHORT[asset.role] || "?"), make("b", "", asset.called), make("small", "", second || roleTitle(asset.role)));
  if (asset.contradictions.length) card.append(make("em", "", "⚠"));
  card.setAttribute("aria-label", `${asset.called}, ${roleTitle(asset.role)}${asset.contradictions.length ? ", contradictions" : ""}`);
  card.addEventListener("click", () => select(selected === index ? null : index));
  return card;
}

/* ---- filters ---- */

function options(select, all, values) {
  select.append(new Option(all, ""));
  for (const [value, text] of values) select.append(new Option(text, value));
}

function fillFilters() {
  const protocols = [...new Set(data.edges.map((edge) => edge.protocol))].sort();
  const used = data.accesses.filter((access) => data.edges.some((edge) => access in edge.accesses));
  const zones = [...new Set(data.assets.map((asset) => asset.zone))].filter((zone) => zone !== null).sort();
  const roles = [...new Set(data.assets.map((asset) => asset.role))].filter(Boolean);
  options($("protocol"), "All", protocols.map((name) => [name, name]));
  options($("access"), "All", used.map((name) => [name, name]));
  options($("zone"), "All", [...zones.map((name) => [`=${name}`, name]), ...(zones.length ? [["-", "(none)"]] : [])]);
  options($("role"), "All", [...Object.keys(data.roles).filter((role) => roles.includes(role)).map((role) => [role, roleTitle(role)]), ["-", "Not known"]]);
}

function words(asset) {
  const told = Object.values(asset.attributes).map((said) => shownValue(said.value));
  return [asset.id, asset.called, asset.about, roleTitle(asset.role), asset.zone, ...asset.addresses, ...asset.protocols, ...Object.values(asset.facts), ...told]
    .join("\n")
    .toLowerCase();
}

const haystacks = data.assets.map(words);

function apply() {
  const text = $("text").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const protocol = $("protocol").value, access = $("access").value, zone = $("zone").value, role = $("role").value;
  const inZone = (asset) => !zone || (zone === "-" ? asset.zone === null : `=${asset.zone}` === zone);
  const hasRole = (asset) => !role || (role === "-" ? !asset.role : asset.role === role);
  const matching = new Set();
  data.assets.forEach((asset, index) => {
    if (text.every((word) => haystacks[index].includes(word)) && inZone(asset) && hasRole(asset)) matching.add(index);
  });
  visible = data.edges.filter((edge) => (!protocol || edge.protocol === protocol) && (!access || access in edge.accesses));
  visible = visible.filter((edge) => matching.has(edge.client) || matching.has(edge.server));
  shown = protocol || access ? new Set(visible.flatMap((edge) => [edge.client, edge.server]).filter((index) => matching.has(index))) : matching;
  for (const control of document.querySelectorAll("#filters input, #filters select")) control.classList.toggle("on", control.value !== "");
  $("status").textContent = `${number(shown.size)} of ${number(data.assets.length)} assets · ${number(visible.length)} of ${number(data.edges.length)} connections`;
  paint();
}

/* ---- selection ---- */

function neighbours(index) {
  const near = new Set();
  for (const edge of data.edges) {
    if (edge.client === index) near.add(edge.server);
    if (edge.server === index) near.add(edge.client);
  }
  return near;
}

function select(index, focus) {
  selected = index;
  isolated = isolated && index !== null;
  history.replaceState(null, "", index === null ? "#" : `#${encodeURIComponent(data.assets[index].id)}`);
  drawDetail();
  paint();
  if (focus && index !== null) {
    cards[index].focus();
    cards[index].scrollIntoView({ block: "nearest" });
  }
}

function paint() {
  const near = selected === null ? null : neighbours(selected);
  cards.forEach((card, index) => {
    const far = near !== null && index !== selected && !near.has(index);
    card.hidden = (!shown.has(index) || (isolated && far)) && index !== selected;
    card.classList.toggle("dim", far);
    card.classList.toggle("near", near !== null && near.has(index));
    card.setAttribute("aria-pressed", String(index === selected));
  });
  for (const box of document.querySelectorAll(".group")) box.hidden = !box.querySelector(".card:not([hidden])");
  for (const lane of document.querySelectorAll(".lane")) lane.hidden = !lane.querySelector(".group:not([hidden])");
  $("nothing").hidden = shown.size > 0 || !data.assets.length;
  drawLines();
}

/* ---- lines ---- */

function drawLines() {
  const canvas = $("lines"), map = $("map"), scale = window.devicePixelRatio || 1;
  const lanes = $("lanes").getBoundingClientRect(), frame = map.getBoundingClientRect();
  const width = map.clientWidth, height = Math.max(map.clientHeight, Math.ceil(lanes.height) + 40);
  canvas.width = Math.min(width * scale, 16000);
  canvas.height = Math.min(height * scale, 16000);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(canvas.width / width, canvas.height / height);
  const style = getComputedStyle(root);
  const boxes = cards.map((card) => {
    const box = card.getBoundingClientRect();
    return { x: box.left - frame.left, y: box.top - frame.top + map.scrollTop, w: box.width, h: box.height };
  });
  const own = (edge) => edge.client === selected || edge.server === selected;
  const there = (edge) => !cards[edge.client].hidden && !cards[edge.server].hidden;
  const drawn = (selected === null ? visible : visible.filter(own)).filter(there);
  const strong = selected !== null || drawn.length <= 40;
  pen.globalAlpha = strong ? 0.85 : drawn.length > MANY_LINES ? 0.16 : 0.4;
  for (const edge of joined(drawn)) drawLine(pen, style, edge, boxes[edge.client], boxes[edge.server], strong);
}

// One line for all connections of a pair, by the gravest access of them; the gravest are drawn last.
function joined(edges) {
  const pairs = new Map();
  const rank = (edge) => data.accesses.indexOf(gravest(edge));
  for (const edge of edges) {
    const pair = `${edge.client} ${edge.server}`, held = pairs.get(pair);
    if (!held || rank(edge) > rank(held)) pairs.set(pair, edge);
  }
  return [...pairs.values()].sort((one, other) => rank(one) - rank(other));
}

function drawLine(pen, style, edge, from, to, strong) {
  const access = gravest(edge);
  const start = { x: from.x + from.w / 2, y: from.y + from.h / 2 }, end = { x: to.x + to.w / 2, y: to.y + to.h / 2 };
  if (edge.client === edge.server) return;
  const down = end.y > start.y + 10, up = end.y < start.y - 10;
  start.y += down ? from.h / 2 : -from.h / 2;
  end.y += down ? -to.h / 2 : up ? to.h / 2 : -to.h / 2;
  const bend = down || up ? (end.y - start.y) / 2 : -34;
  const one = { x: start.x, y: start.y + bend }, other = { x: end.x, y: down || up ? end.y - bend : end.y + bend };
  pen.strokeStyle = pen.fillStyle = style.getPropertyValue(`--a-${access}`).trim() || "#888";
  pen.lineWidth = WIDTH[access] || 1;
  pen.setLineDash(DASH[access] || []);
  pen.beginPath();
  pen.moveTo(start.x, start.y);
  pen.bezierCurveTo(one.x, one.y, other.x, other.y, end.x, end.y);
  pen.stroke();
  pen.setLineDash([]);
  if (strong) drawHead(pen, end, other);
}

function drawHead(pen, end, before) {
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  pen.beginPath();
  pen.moveTo(end.x, end.y);
  for (const turn of [2.7, -2.7]) pen.lineTo(end.x + 8 * Math.cos(angle + turn), end.y + 8 * Math.sin(angle + turn));
  pen.fill();
}

/* ---- keys ---- */

function step(event) {
  const here = cards.indexOf(document.activeElement);
  if (here < 0) return;
  const from = cards[here].getBoundingClientRect();
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  let best = null, least = Infinity;
  cards.forEach((card) => {
    const box = card.getBoundingClientRect();
    const x = box.left - from.left, y = box.top - from.top;
    const along = x * way[0] + y * way[1], aside = Math.abs(x * way[1]) + Math.abs(y * way[0]);
    if (card !== cards[here] && !card.hidden && along > 4 && along + 3 * aside < least) [best, least] = [card, along + 3 * aside];
  });
  if (best) {
    event.preventDefault();
    best.focus();
    best.scrollIntoView({ block: "nearest" });
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== $("text")) {
    event.preventDefault();
    $("text").focus();
  } else if (event.key === "Escape") {
    if (document.activeElement === $("text") && $("text").value) {
      $("text").value = "";
      apply();
    } else select(null);
  } else if (event.key.startsWith("Arrow")) step(event);
});

function theme(name) {
  root.dataset.theme = name;
  paint();
}

$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("input", apply);
$("filters").addEventListener("reset", () => setTimeout(apply));
$("theme").addEventListener("click", () => theme(root.dataset.theme === "dark" ? "light" : "dark"));
window.addEventListener("resize", drawLines);

root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
drawLanes();
fillFilters();
drawDetail();
apply();
const wanted = decodeURIComponent(location.hash.slice(1));
const start = data.assets.findIndex((asset) => asset.id === wanted);
if (start >= 0) select(start, true);
document.body.dataset.ready = "true";

"use strict";
// The map of assets. Everything that a device said is written as text (textContent), never as markup.

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

/* ---- details ---- */

function source(provenance) {
  if (!provenance) return "";
  const capture = provenance.capture === null ? "" : data.captures[provenance.capture] || provenance.capture;
  const file = String(capture).split("/").pop();
  const packet = provenance.packet === null || provenance.packet === undefined ? "" : `packet ${number(provenance.packet)}${file ? ` of ${file}` : ""}`;
  return [provenance.protocol && `${provenance.protocol}: ${provenance.field}`, packet, clock(provenance.time)].filter(Boolean).join(" · ");
}

function item(name, right, ...lines) {
  const box = make("div", "item");
  add(box, add(make("div", "row"), typeof name === "string" ? make("b", "", name) : name, make("span", "", right)));
  for (const line of lines) if (line) box.append(typeof line === "string" ? make("div", "from", line) : line);
  return box;
}

const percent = (share) => `${Math.round(share * 100)} %`;

function drawDetail() {
  const detail = $("detail");
  detail.replaceChildren();
  if (selected === null) {
    drawLegend(detail);
    return;
  }
  const asset = data.assets[selected];
  detail.scrollTop = 0;
  const close = make("button", "close", "✕");
  close.setAttribute("aria-label", "Close details");
  close.addEventListener("click", () => select(null));
  add(detail, add(make("div", "top"), add(make("div"), make("h2", "", asset.called), make("p", "sub", asset.about)), close));
  drawTags(detail, asset);
  drawFacts(detail, asset);
  for (const found of asset.contradictions) {
    detail.append(make("p", "warning", `⚠ ${found.says}: ${shownValue(found.from.value)} (${source(found.from.provenance)}) → ${shownValue(found.to.value)} (${source(found.to.provenance)})`));
  }
  drawConnections(detail, asset);
  drawAttributes(detail, asset);
  drawVotes(detail, asset);
  drawUnits(detail, asset);
}

function drawTags(detail, asset) {
  const tags = make("div", `tags f-${family(asset)}`);
  const role = asset.concluded.role;
  const sure = asset.declared.role ? " · declared" : role && role.value ? ` · ${percent(role.confidence)}` : "";
  tags.append(make("span", "tag main", roleTitle(asset.role) + sure));
  if (asset.level !== null) tags.append(make("span", "tag", `Level ${asset.level} · ${asset.level_by}`));
  if (asset.zone !== null) tags.append(make("span", "tag", `Zone ${asset.zone}`));
  if (asset.kind !== "host") tags.append(make("span", "tag", asset.kind));
  detail.append(tags);
}

function drawFacts(detail, asset) {
  const list = make("dl");
  const facts = { addresses: asset.addresses.join(", "), ...asset.facts, CPE: asset.cpe, VLAN: asset.vlans.join(", "), speaks: asset.protocols.join(", ") };
  facts.seen = asset.first ? `${clock(asset.first)} to ${clock(asset.last)} UTC` : "";
  for (const [name, value] of Object.entries(facts)) if (value) add(list, make("dt", "", name), make("dd", "", shownValue(value)));
  detail.append(list);
}

function drawConnections(detail) {
  const own = data.edges.filter((edge) => edge.client === selected || edge.server === selected);
  detail.append(make("h3", "", `Connections (${own.length})`));
  if (own.length) detail.append(isolation());
  own.sort((a, b) => b.transactions - a.transactions);
  for (const edge of own) detail.append(drawConnection(edge));
  if (!own.length) detail.append(make("p", "sub", "None were seen."));
}

function isolation() {
  const only = add(make("label", "only"), make("input"), document.createTextNode(" Show only these on the map"));
  const box = only.firstChild;
  box.type = "checkbox";
  box.id = "only";
  box.checked = isolated;
  box.addEventListener("change", () => {
    isolated = box.checked;
    paint();
    cards[selected].scrollIntoView({ block: "center" });
  });
  return only;
}

function drawConnection(edge) {
  const out = edge.client === selected, other = out ? edge.server : edge.client;
  const jump = make("button", "", `${out ? "→" : "←"} ${data.assets[other].called}`);
  jump.type = "button";
  jump.addEventListener("click", () => select(other, true));
  const accesses = make("div", "accesses");
  for (const access of data.accesses) {
    if (access in edge.accesses) accesses.append(add(make("span"), swatch(access), document.createTextNode(`${number(edge.accesses[access])} ${access}`)));
  }
  const points = edge.points.length ? `points ${edge.points.slice(0, 12).join(", ")}${edge.points.length > 12 || edge.more_points ? " …" : ""}` : "";
  const functions = edge.functions.length ? `functions ${edge.functions.slice(0, 6).map((one) => one.name || one.code).join(", ")}` : "";
  const rate = [edge.per_minute === null ? "" : `${edge.per_minute} a minute`, edge.rejected ? `${number(edge.rejected)} rejected` : ""].filter(Boolean).join(" · ");
  const when = `${clock(edge.first)} to ${clock(edge.last)}${edge.evidence ? ` · first in packet ${edge.evidence.packet}` : ""}`;
  return item(jump, `${edge.key}${edge.units.length ? ` unit ${edge.units.slice(0, 5).join(", ")}` : ""}`, accesses, functions, points, rate, when, ledger(edge.ledger));
}

function ledger(counts) {
  if (!counts) return "";
  const sent = ["from_client", "from_server"].map((side) => counts[side] || {});
  const packets = `${number(sent[0].packets || 0)} packets to the server, ${number(sent[1].packets || 0)} back`;
  const gaps = (sent[0].gap_bytes || 0) + (sent[1].gap_bytes || 0);
  const notes = [counts.one_way || counts.half_seen ? "one direction only" : "", gaps ? `${number(gaps)} bytes missing` : "", counts.encrypted ? "encrypted" : "", counts.midstream ? "began before the capture" : ""];
  return [packets, ...notes].filter(Boolean).join(" · ");
}

function drawAttributes(detail, asset) {
  const names = Object.keys(asset.attributes).sort();
  detail.append(make("h3", "", `Attributes (${names.length})`));
  for (const name of names) {
    const said = asset.attributes[name];
    let earlier = null;
    if (said.history.length) {
      earlier = add(make("details"), make("summary", "", `${said.history.length} earlier or other`));
      for (const old of said.history) earlier.append(make("div", "from", `${shownValue(old.value)} · ${percent(old.confidence)} · ${source(old.provenance)}`));
    }
    detail.append(item(name, percent(said.confidence), make("div", "", shownValue(said.value)), source(said.provenance), earlier));
  }
  for (const [name, said] of Object.entries(asset.declared)) {
    detail.append(item(`${name} (declared)`, said.at.slice(0, 10), make("div", "", said.value), `${said.who}: ${said.why}`));
  }
}

function drawVotes(detail, asset) {
  const topics = Object.entries(asset.concluded);
  if (topics.length) detail.append(make("h3", "", "Why: the votes"));
  for (const [topic, conclusion] of topics) {
    const title = conclusion.value === null ? `${topic}: left open` : `${topic}: ${topic === "role" ? roleTitle(conclusion.value) : conclusion.value}`;
    const votes = conclusion.votes.map((vote) => {
      const line = make("div", "from", `${percent(vote.weight)} for ${vote.value}: ${vote.why}`);
      for (const ground of vote.evidence.slice(0, 2)) line.append(make("div", "", `↳ ${shownValue(ground.value)} (${source(ground)})`));
      return line;
    });
    detail.append(item(title, percent(conclusion.confidence), ...votes));
  }
}

function drawUnits(detail, asset) {
  if (!asset.units.length) return;
  detail.append(make("h3", "", `Behind it (${asset.units.length})`));
  for (const unit of asset.units) detail.append(item(unit.unit, unit.role ? roleTitle(unit.role) : "", [unit.about, unit.firmware].filter(Boolean).join(" ")));
}

function swatch(access) {
  const dash = DASH[access] || [];
  return make("i", `swatch a-${access}${dash.length ? (dash[0] < 4 ? " dotted" : " dashed") : ""}`);
}

function drawLegend(detail) {
  add(detail, make("h2", "", "Who is here, who talks to whom"), make("p", "sub", "Choose an asset to see what is known of it, which packet said so, and its connections."));
  detail.append(make("h3", "", "Lines: the gravest access"));
  const lines = make("ul", "legend");
  for (const access of data.accesses) lines.append(add(make("li"), swatch(access), document.createTextNode(access)));
  detail.append(lines, make("h3", "", "Cards: what an asset is for"));
  const list = make("ul", "legend");
  for (const [name, title] of Object.entries(FAMILIES)) {
    list.append(add(make("li", `f-${name}`), make("span", "chip"), document.createTextNode(`${title} (${data.assets.filter((asset) => family(asset) === name).length})`)));
  }
  detail.append(list, make("h3", "", "Keys"));
  for (const [key, what] of [["/", "search"], ["← ↑ → ↓", "go from card to card"], ["Enter", "details"], ["Esc", "back"]]) {
    detail.append(add(make("p"), make("kbd", "", key), document.createTextNode(` ${what}`)));
  }
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

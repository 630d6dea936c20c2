/** All words of the page, one table for both languages. `{name}` is filled in by `t`. */
const TEXTS = {
  // While the page opens
  opening: ["Opening the drawing …", "Die Zeichnung wird geöffnet …"],
  loadingProgram: ["Loading the editor …", "Der Editor wird geladen …"],
  loadingDrawing: ["Loading the drawing …", "Die Zeichnung wird geladen …"],
  editor: ["Drawing editor", "Zeichnungseditor"],
  // What can go wrong, and what to do
  noToken: [
    "This address names no drawing. Open the drawing again from the page that it belongs to.",
    "Diese Adresse nennt keine Zeichnung. Öffnen Sie die Zeichnung noch einmal von der Seite, zu der sie gehört.",
  ],
  tokenRefused: [
    "The access to this drawing has expired or was used already. Open the drawing again from the page that it belongs to.",
    "Der Zugang zu dieser Zeichnung ist abgelaufen oder wurde schon benutzt. Öffnen Sie die Zeichnung noch einmal von der Seite, zu der sie gehört.",
  ],
  sessionGone: [
    "This editing session has ended. Open the drawing again from the page that it belongs to.",
    "Diese Sitzung ist beendet. Öffnen Sie die Zeichnung noch einmal von der Seite, zu der sie gehört.",
  ],
  drawingMissing: [
    "The drawing was not found. It may have been moved or deleted.",
    "Die Zeichnung wurde nicht gefunden. Vielleicht wurde sie verschoben oder gelöscht.",
  ],
  drawingBroken: [
    "This file cannot be read as a drawing. It was not changed.",
    "Diese Datei lässt sich nicht als Zeichnung lesen. Sie wurde nicht verändert.",
  ],
  serverTrouble: [
    "The server could not answer. Please try again in a moment.",
    "Der Server konnte nicht antworten. Bitte versuchen Sie es gleich noch einmal.",
  ],
  noConnection: [
    "The server cannot be reached. Check the connection and try again.",
    "Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
  ],
  programMissing: [
    "A part of the editor could not be loaded. Check the connection and try again.",
    "Ein Teil des Editors konnte nicht geladen werden. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
  ],
  noWebgl: [
    "This browser cannot draw: it offers no WebGL. Another browser, or hardware acceleration switched on, helps.",
    "Dieser Browser kann nicht zeichnen: Ihm fehlt WebGL. Ein anderer Browser oder eingeschaltete Hardwarebeschleunigung hilft.",
  ],
  requestId: ["Request {id}", "Anfrage {id}"],
  tryAgain: ["Try again", "Noch einmal versuchen"],
  // Names of places
  tools: ["Tools", "Werkzeuge"],
  view: ["View", "Ansicht"],
  drawing: ["Drawing", "Zeichnung"],
  panel: ["Layers and properties", "Layer und Eigenschaften"],
  layers: ["Layers", "Layer"],
  properties: ["Properties", "Eigenschaften"],
  closePanel: ["Close the panel", "Seitenleiste schließen"],
  commandLine: ["Command line", "Befehlszeile"],
  commandHistory: ["Former commands", "Frühere Befehle"],
  commandMessages: ["Messages", "Meldungen"],
  statusLine: ["Status", "Status"],
  // View
  fit: ["Fit the drawing", "Alles zeigen"],
  zoomIn: ["Zoom in", "Vergrößern"],
  zoomOut: ["Zoom out", "Verkleinern"],
  pan: ["Pan", "Verschieben der Ansicht"],
  select: ["Select", "Auswählen"],
  background: ["Light or dark background", "Heller oder dunkler Hintergrund"],
  measureDistance: ["Measure a distance", "Abstand messen"],
  measureArea: ["Measure an area", "Fläche messen"],
  measureAngle: ["Measure an angle", "Winkel messen"],
  clearMeasurements: ["Remove measurements", "Messungen entfernen"],
  // Draw
  line: ["Line", "Linie"],
  polyline: ["Polyline", "Polylinie"],
  rectangle: ["Rectangle", "Rechteck"],
  circle: ["Circle", "Kreis"],
  arc: ["Arc", "Bogen"],
  text: ["Text", "Text"],
  dimension: ["Dimension", "Bemaßung"],
  move: ["Move", "Schieben"],
  copy: ["Copy", "Kopieren"],
  rotate: ["Rotate", "Drehen"],
  erase: ["Erase", "Löschen"],
  undo: ["Undo", "Rückgängig"],
  redo: ["Redo", "Wiederholen"],
  selectObjects: ["Select objects", "Objekte wählen"],
  textInsertion: ["Specify start point of text", "Anfangspunkt des Textes"],
  textHeight: ["Specify text height", "Texthöhe"],
  textContent: ["Enter text", "Text eingeben"],
  // Saving
  save: ["Save", "Speichern"],
  saved: ["Saved", "Gespeichert"],
  savedAt: ["Saved {time}", "Gespeichert {time}"],
  unsaved: ["Not saved yet", "Noch nicht gespeichert"],
  saving: ["Saving …", "Wird gespeichert …"],
  saveFailed: ["Not saved", "Nicht gespeichert"],
  saveFailedLong: [
    "The drawing could not be saved. It stays open here; nothing is lost as long as this page is open.",
    "Die Zeichnung konnte nicht gespeichert werden. Sie bleibt hier offen; solange die Seite offen ist, geht nichts verloren.",
  ],
  saveRefused: ["The server refused to save: {reason}", "Der Server hat das Speichern abgelehnt: {reason}"],
  conflict: [
    "Somebody else saved this drawing meanwhile. Your changes were kept as a version of their own.",
    "Jemand anders hat diese Zeichnung inzwischen gespeichert. Ihre Änderungen wurden als eigene Version aufgehoben.",
  ],
  conflictMine: ["Save mine as the newest", "Meine als neueste speichern"],
  conflictTheirs: ["Open the newest", "Die neueste öffnen"],
  conflictLater: ["Decide later", "Später entscheiden"],
  connectionLost: [
    "The connection is lost. You can go on drawing; it is saved once the connection is back.",
    "Die Verbindung ist unterbrochen. Sie können weiterzeichnen; gespeichert wird, sobald sie wieder steht.",
  ],
  connectionBack: ["The connection is back.", "Die Verbindung steht wieder."],
  // Rights
  viewOnly: ["View only", "Nur Ansicht"],
  editing: ["Editing", "Bearbeiten"],
  heldBy: ["{name} is editing this drawing. You see it as it was last saved.", "{name} bearbeitet diese Zeichnung. Sie sehen den letzten gespeicherten Stand."],
  heldBySomebody: [
    "Somebody else is editing this drawing. You see it as it was last saved.",
    "Jemand anders bearbeitet diese Zeichnung. Sie sehen den letzten gespeicherten Stand.",
  ],
  leaseFree: ["Nobody is editing this drawing now.", "Niemand bearbeitet diese Zeichnung jetzt."],
  leaseLost: [
    "Somebody else has begun to edit this drawing. What you had not saved stays visible here.",
    "Jemand anders hat begonnen, diese Zeichnung zu bearbeiten. Was Sie nicht gespeichert hatten, bleibt hier sichtbar.",
  ],
  editNow: ["Edit", "Bearbeiten"],
  unknownCommand: ["This command is not available here: {name}", "Diesen Befehl gibt es hier nicht: {name}"],
  unknownTyped: ["There is no such command", "Diesen Befehl gibt es nicht"],
  unknownTypedInView: ["There is no such command for viewing", "Diesen Befehl gibt es in der Ansicht nicht"],
  writeCommand: ["{name} changes the drawing, which is open for viewing only.", "{name} ändert die Zeichnung; sie ist nur zur Ansicht geöffnet."],
  chooserAnswer: [
    "“{name}” was chosen. This editor cannot attach other files to a drawing.",
    "„{name}“ wurde gewählt. Dieser Editor kann keine anderen Dateien an eine Zeichnung anhängen.",
  ],
  chooserNobody: [
    "Files are chosen by the page around the editor, and there is none.",
    "Dateien wählt die Seite um den Editor aus, und hier ist keine.",
  ],
  dismiss: ["Close", "Schließen"],
  // Panel
  layerVisible: ["Show layer {name}", "Layer {name} zeigen"],
  layerCurrent: ["New objects go to layer {name}", "Neue Objekte kommen auf Layer {name}"],
  layerIsCurrent: ["current", "aktuell"],
  allLayers: ["Show all", "Alle zeigen"],
  layerCount: ["{count} layers", "{count} Layer"],
  nothingSelected: [
    "Nothing is selected. Click an object, or drag a window around several.",
    "Nichts ist ausgewählt. Klicken Sie ein Objekt an, oder ziehen Sie ein Fenster um mehrere.",
  ],
  manySelected: ["{count} objects are selected.", "{count} Objekte sind ausgewählt."],
  kind: ["Kind", "Art"],
  yes: ["yes", "ja"],
  no: ["no", "nein"],
} as const satisfies Record<string, readonly [english: string, german: string]>;

export type TextKey = keyof typeof TEXTS;

export type Language = "en" | "de";

let language: Language = "en";

/** The page's language for a wish such as `de`, `de-AT` or `German`; English for all that it does not speak. */
export function languageFor(wish: string | null | undefined): Language {
  return /^(de|german|deutsch)/i.test(wish ?? "") ? "de" : "en";
}

export function setLanguage(wanted: Language): void {
  language = wanted;
  document.documentElement.lang = wanted;
}

export function currentLanguage(): Language {
  return language;
}

/** The words for `key`, with `{name}` filled in. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  const words: string = TEXTS[key][language === "de" ? 1 : 0];
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** German words for the command line of the CAD library, in its own tree of keys. Keywords keep their English letters. */
const key = (display: string, global: string) => ({ display, local: display.replace(/\(.*\)$/, ""), global });

export const GERMAN = {
  main: {
    commandLine: {
      noLast: "(kein letzter Befehl)",
      executed: "Ausgeführt",
      showHistory: "Frühere Befehle",
      placeholder: "Befehl eingeben",
      showMessages: "Meldungen",
      canceled: "*Abgebrochen*",
      noHistory: "(noch keine Befehle)",
      invalidInput: "Ungültige Eingabe.",
      close: "Befehlszeile schließen",
    },
    inputManager: { firstCorner: "Erste Ecke oder", secondCorner: "Zweite Ecke oder" },
  },
  jig: {
    line: {
      firstPoint: "Erster Punkt",
      firstPointOrContinue: "Erster Punkt oder",
      nextPoint: "Nächster Punkt",
      nextPointWithOptions: "Nächster Punkt oder",
      keywords: { continue: key("Fortsetzen(C)", "Continue"), undo: key("Zurück(U)", "Undo"), close: key("Schließen(C)", "Close") },
    },
    polyline: {
      firstPoint: "Erster Punkt",
      nextPoint: "Nächster Punkt (Eingabetaste beendet)",
      nextPointWithOptions: "Nächster Punkt oder",
      nextPointWithArcOptions: "Nächster Punkt oder",
      keywords: { arc: key("Bogen(A)", "Arc"), undo: key("Zurück(U)", "Undo"), close: key("Schließen(C)", "Close"), line: key("Linie(L)", "Line") },
    },
    circle: {
      centerOrOptions: "Mittelpunkt des Kreises oder",
      radiusOrDiameter: "Radius des Kreises oder",
      diameter: "Durchmesser des Kreises",
      keywords: { diameter: key("Durchmesser(D)", "Diameter") },
    },
    arc: {
      startPointOrCenter: "Anfangspunkt des Bogens oder",
      secondPointOrOptions: "Zweiter Punkt des Bogens oder",
      endPoint: "Endpunkt des Bogens",
      endPointOrOptions: "Endpunkt des Bogens oder",
      centerPoint: "Mittelpunkt des Bogens",
      radius: "Radius des Bogens",
    },
    rect: {
      firstPoint: "Erste Ecke",
      nextPoint: "Andere Ecke",
      firstPointWithOptions: "Erste Ecke oder",
      otherCornerWithOptions: "Andere Ecke oder",
      keywords: {
        chamfer: key("Fase(C)", "Chamfer"), elevation: key("Höhe(E)", "Elevation"), fillet: key("Rundung(F)", "Fillet"),
        thickness: key("Dicke(T)", "Thickness"), width: key("Breite(W)", "Width"), area: key("Fläche(A)", "Area"),
        dimensions: key("Maße(D)", "Dimensions"), rotation: key("Drehung(R)", "Rotation"),
      },
    },
    dimlinear: { xLine1Point: "Erster Maßpunkt", xLine2Point: "Zweiter Maßpunkt", dimLinePoint: "Ort der Maßlinie" },
    move: {
      basePointOrDisplacement: "Basispunkt oder",
      secondPointOrDisplacement: "Zweiter Punkt oder",
      keywords: { displacement: key("Verschiebung(D)", "Displacement") },
    },
    copy: { basePointOrOptions: "Basispunkt oder", displacementOrArray: "Verschiebung oder", secondPointOrArray: "Zweiter Punkt oder" },
    rotate: { basePoint: "Basispunkt", rotationAngleOrOptions: "Drehwinkel oder" },
    measureDistance: { firstPoint: "Erster Punkt", secondPoint: "Zweiter Punkt" },
    measureArea: { firstPoint: "Erster Punkt", nextPoint: "Nächster Punkt (Eingabetaste beendet)" },
    measureAngle: { vertex: "Scheitelpunkt", arm1: "Punkt auf dem ersten Schenkel", arm2: "Punkt auf dem zweiten Schenkel" },
    zoom: { mainPrompt: "Ecke des Fensters oder", firstCorner: "Erste Ecke", secondCorner: "Gegenüberliegende Ecke" },
  },
};

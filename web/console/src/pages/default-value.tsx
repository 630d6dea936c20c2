/** The value with which sessions open, in the form of its parameter. */
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { choicesFromWire, choicesToWire, colorFromWire, colorToWire, isChecklist, isNumeric, numberToWire, rangeOf, stepOf } from "../../../viewer/src/values.js";
import type { WireParameter } from "../../../viewer/src/wire.js";
import type { Definition } from "../geometry.js";
import { Field, Select, Tick } from "../ui.js";

const LABEL = "Default value";

interface Props {
  definition: Definition;
  value: string;
  change: (value: string) => void;
}

export function DefaultValue({ definition, value, change }: Props): JSX.Element | null {
  const parameter: WireParameter = { ...definition, type: definition.type ?? "" };
  if (isNumeric(parameter)) return <NumberValue parameter={parameter} value={value} change={change} />;
  switch (parameter.type) {
    case "Bool":
      return (
        <Select
          label={LABEL}
          options={[
            ["true", "on"],
            ["false", "off"],
          ]}
          value={value}
          change={change}
        />
      );
    case "StringList":
      return isChecklist(parameter) ? (
        <Checklist parameter={parameter} value={value} change={change} />
      ) : (
        <Select label={LABEL} options={(parameter.choices ?? []).map((choice, index) => [String(index), choice])} value={value} change={change} />
      );
    case "Color":
      return <Colour value={value} change={change} />;
    case "String":
      return <Field label={LABEL} value={value} change={change} />;
    default:
      // Files and the like begin empty.
      return null;
  }
}

interface TypedProps {
  parameter: WireParameter;
  value: string;
  change: (value: string) => void;
}

function NumberValue({ parameter, value, change }: TypedProps): JSX.Element {
  const id = useId();
  const { min, max } = rangeOf(parameter);
  const range = [min === undefined ? "" : `from ${min}`, max === undefined ? "" : `to ${max}`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{LABEL}</label>
      {range && (
        <p id={`${id}-help`} class="fine">
          {range}
        </p>
      )}
      <input
        id={id}
        type="number"
        value={value}
        step={stepOf(parameter)}
        {...(min === undefined ? {} : { min })}
        {...(max === undefined ? {} : { max })}
        {...(range ? { "aria-describedby": `${id}-help` } : {})}
        onChange={(event) => {
          const number = event.currentTarget.valueAsNumber;
          const fitting = Number.isFinite(number) ? numberToWire(parameter, number) : value;
          event.currentTarget.value = fitting;
          change(fitting);
        }}
      />
    </div>
  );
}

function Checklist({ parameter, value, change }: TypedProps): JSX.Element {
  const chosen = choicesFromWire(parameter, value);
  return (
    <fieldset class="ticks">
      <legend>{LABEL}</legend>
      {(parameter.choices ?? []).map((choice, index) => (
        <Tick
          key={choice}
          label={choice}
          on={chosen.includes(index)}
          change={(on) => change(choicesToWire(on ? [...chosen, index] : chosen.filter((one) => one !== index)))}
        />
      ))}
    </fieldset>
  );
}

function Colour({ value, change }: { value: string; change: (value: string) => void }): JSX.Element {
  const id = useId();
  const colour = colorFromWire(value) ?? { hex: "#000000", alpha: 255 };
  return (
    <div class="field">
      <label for={id}>{LABEL}</label>
      <input
        id={id}
        type="color"
        value={colour.hex}
        onInput={(event) => change(colorToWire({ ...colour, hex: event.currentTarget.value }))}
      />
    </div>
  );
}

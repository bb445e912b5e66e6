// What: the type and how many, where, how near to each other, and how they come up.
import { useEffect } from "react";
import { useWhole, type ItemOf } from "../api/lists";
import { formatCount, words } from "../format/text";
import { tiers } from "../reservations/states";
import { Empty, Loaded } from "../ui/states";
import { COUNT_MAX, keysOf, SCOPES, SPREADS } from "./draft";
import { CountInput, SelectInput, TextInput } from "./inputs";
import type { StepProps } from "./page";

type InstanceType = ItemOf<"/v1/instance-types">;

const TIER_NOTES: Readonly<Record<(typeof tiers)[number], string>> = {
  reserved: "Firm: nothing takes its place.",
  on_demand: "Firm, without a plan ahead; may stay open-ended.",
  preemptible: "Cheap: gives way, with notice, when a firm one needs the place.",
};

export function WhatStep({ draft, set }: StepProps) {
  const types = useWhole("instance-types", { path: "/v1/instance-types" });
  const tier = draft.tier ?? "reserved";
  return (
    <>
      <Loaded query={types} what="instance types">
        {({ items }) => {
          const offered = items.filter((type) => !type.retired);
          return offered.length === 0 ? (
            <Empty title="The provider offers no instance types yet" />
          ) : (
            <TypeCards types={offered} chosen={draft.type} onType={(type) => set({ type })} />
          );
        }}
      </Loaded>
      <div className="form-grid">
        <CountInput label="Instances" value={draft.count ?? 1} most={COUNT_MAX} onChange={(count) => set({ count })} />
        <Zone draft={draft} set={set} />
        <SelectInput
          label="Tier"
          options={tiers.map((value) => ({ value, label: words(value) }))}
          value={tier}
          note={TIER_NOTES[tier]}
          onChange={(value) => set({ tier: value })}
        />
        <SelectInput
          label="Together within one"
          options={SCOPES.map((value) => ({ value, label: words(value) }))}
          value={draft.within ?? "zone"}
          note="The nearer, the faster between them, and the rarer."
          onChange={(within) => set({ within: within === "zone" ? undefined : within })}
        />
        <SelectInput
          label="Spread"
          options={[
            { value: "none", label: "does not matter" },
            ...SPREADS.map((value) => ({ value, label: `no two in one ${value}` })),
          ]}
          value={draft.spread ?? "none"}
          onChange={(spread) => set({ spread: spread === "none" ? undefined : spread })}
        />
        {draft.within !== undefined && (
          <SelectInput
            label="If it cannot be together"
            options={[
              { value: "no", label: "do not reserve" },
              { value: "yes", label: "reserve all the same" },
            ]}
            value={draft.preferred ?? "no"}
            onChange={(value) => set({ preferred: value === "yes" ? "yes" : undefined })}
          />
        )}
      </div>
      <Coming draft={draft} set={set} />
    </>
  );
}

/** Where there is one, it is no question. */
function useSole(all: readonly { name: string }[], chosen: string | undefined, choose: (name: string) => void): void {
  const [only, ...others] = all;
  useEffect(() => {
    if (chosen === undefined && only !== undefined && others.length === 0) choose(only.name);
  });
}

function Zone({ draft, set }: StepProps) {
  const zones = useWhole("zones", { path: "/v1/zones" });
  const named = zones.data?.items ?? [];
  const options = named.map(({ name }) => ({ value: name, label: name }));
  useSole(named, draft.zone, (zone) => set({ zone }));
  return (
    <SelectInput
      label="Zone"
      options={[...(draft.zone === undefined ? [{ value: "", label: "choose" }] : []), ...options]}
      value={draft.zone ?? ""}
      onChange={(zone) => set({ zone: zone === "" ? undefined : zone })}
    />
  );
}

interface TypeCardsProps {
  types: readonly InstanceType[];
  chosen: string | undefined;
  onType: (name: string) => void;
}

function TypeCards({ types, chosen, onType }: TypeCardsProps) {
  useSole(types, chosen, onType);
  return (
    <fieldset className="cards">
      <legend>Instance type</legend>
      {types.map((type) => (
        <label key={type.id} className="card">
          <input
            type="radio"
            name="type"
            value={type.name}
            checked={type.name === chosen}
            onChange={() => onType(type.name)}
          />
          <b>{type.name}</b>
          <span>
            {type.gpu_count > 0 ? type.gpu_count : type.gpu_milli / 1000} {type.gpu_models.join(" or ") || "GPU"}
          </span>
          <small>
            {formatCount(type.cpu_milli / 1000)} cores, {formatCount(Math.round(type.memory_mib / 1024))} GiB
          </small>
          {type.description !== "" && <small>{type.description}</small>}
        </label>
      ))}
    </fieldset>
  );
}

/** Who it is for, and how its instances come up. */
function Coming({ draft, set }: StepProps) {
  const projects = useWhole("projects", { path: "/v1/projects" });
  const images = useWhole("images", { path: "/v1/images" });
  const keys = useWhole("ssh-keys", { path: "/v1/ssh-keys" });
  const chosen = keysOf(draft);
  const toggle = (name: string): void => {
    const next = chosen.includes(name) ? chosen.filter((key) => key !== name) : [...chosen, name];
    set({ keys: next.length === 0 ? undefined : next.join(",") });
  };
  const usable = (images.data?.items ?? []).filter((image) => !image.retired);
  return (
    <div className="form-grid">
      <TextInput
        label="Name"
        value={draft.name ?? ""}
        onChange={(name) => set({ name: name === "" ? undefined : name })}
      />
      <SelectInput
        label="Project"
        options={(projects.data?.items ?? [{ name: "default" }]).map(({ name }) => ({ value: name, label: name }))}
        value={draft.project ?? "default"}
        onChange={(project) => set({ project: project === "default" ? undefined : project })}
      />
      <SelectInput
        label="Image"
        options={[
          { value: "", label: "the type’s default" },
          ...usable.map(({ name }) => ({ value: name, label: name })),
        ]}
        value={draft.image ?? ""}
        onChange={(image) => set({ image: image === "" ? undefined : image })}
      />
      <fieldset className="checks">
        <legend>SSH keys</legend>
        {(keys.data?.items ?? []).map(({ name }) => (
          <label key={name}>
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} /> {name}
          </label>
        ))}
        {keys.data?.items.length === 0 && <p className="fine">None yet: add one under Access.</p>}
      </fieldset>
    </div>
  );
}

/** The console: one page for owners of models. */
import "./console.css";
import "./parts.css";
import "./pages.css";
import { render, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account } from "./api.js";
import { config } from "./config.js";
import { AccountPage } from "./pages/account.js";
import { DeletedPage } from "./pages/deleted.js";
import { KeysPage } from "./pages/keys.js";
import { AuthorizePage } from "./pages/authorize.js";
import { ModelPage } from "./pages/model.js";
import { ModelsPage } from "./pages/models.js";
import { OrganizationPage } from "./pages/organization.js";
import { PartnersPage } from "./pages/partners.js";
import { NotReturned, ReturnedPage } from "./pages/returned.js";
import { ServerPage } from "./pages/server.js";
import { SignInPage } from "./pages/sign-in.js";
import { NewModelPage, NewVersionPage } from "./pages/upload.js";
import { UsagePage } from "./pages/usage.js";
import { InvitationPage, SetUpPage } from "./pages/welcome.js";
import { platform } from "./platform.js";
import { useResource } from "./resource.js";
import { address, useSegments } from "./router.js";
import { Failure, LinkRow, Title } from "./ui.js";

function Brand(): JSX.Element {
  return (
    <a class="brand" href={address()}>
      <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true">
        <path
          d="M12 2.5 20.5 7v10L12 21.5 3.5 17V7zM12 12v9.5M12 12 3.5 7M12 12l8.5-5"
          fill="none"
          stroke="currentColor"
          stroke-width="1.8"
          stroke-linejoin="round"
        />
      </svg>
      Vitrine
    </a>
  );
}

/** The areas of the console, as they stand in its head. */
const AREAS: [string, string][] = [
  ["models", "Models"],
  ["usage", "Usage"],
  ["keys", "Access keys"],
  ["organization", "Organization"],
  ["account", "Account"],
];
/** Those that administrators of the server see beside. */
const OPERATOR_AREAS: [string, string][] = [
  ["partners", "Partners"],
  ["server", "Server"],
];

function Top(): JSX.Element {
  const [first] = useSegments();
  const user = useResource("user", platform.user);
  const area = first === undefined || first === "new" || first === "deleted" ? "models" : first;
  const areas = user.value?.roles.includes("admin") ? [...AREAS, ...OPERATOR_AREAS] : AREAS;
  const here = (name: string): { "aria-current"?: "page" } => (area === name ? { "aria-current": "page" } : {});
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={skip}>
        To the content
      </a>
      <Brand />
      <LinkRow label="Console" current={area}>
        {areas.map(([name, label]) => (
          <a key={name} href={address(name)} {...here(name)}>
            {label}
          </a>
        ))}
      </LinkRow>
      <div class="who">
        <span class="fine">{user.value?.first_name ?? user.value?.email ?? ""}</span>
        <button type="button" onClick={() => void account.signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** The hash says where the person is, so a link of the page's own cannot use it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Place(): JSX.Element {
  const [first = "models", key, tab] = useSegments();
  if (first === "models" && key !== undefined) return <ModelPage key={key} model={key} tab={tab ?? "preview"} />;
  if (first === "models") return <ModelsPage />;
  if (first === "new") return key === undefined ? <NewModelPage /> : <NewVersionPage key={key} previous={key} />;
  if (first === "deleted") return <DeletedPage />;
  if (first === "usage") return <UsagePage />;
  if (first === "keys") return <KeysPage />;
  if (first === "organization") return <OrganizationPage />;
  if (first === "partners") return <PartnersPage />;
  if (first === "server") return <ServerPage />;
  if (first === "account") return <AccountPage linked={key === "linked"} />;
  if (first === "not-signed-in") return <NotLinked code={key ?? ""} />;
  return (
    <>
      <Title title="There is no such page" />
      <p>
        The address may be old. <a href={address()}>Go to the models</a>
      </p>
    </>
  );
}

/** A provider did not give what the account was to be linked with. */
function NotLinked({ code }: { code: string }): JSX.Element {
  return (
    <>
      <Title title="The provider is not linked" />
      <NotReturned code={code} />
      <p>
        <a href={address("account")}>Back to your account</a>
      </p>
    </>
  );
}

function App(): JSX.Element {
  const [state, setState] = useState<"starting" | "ready" | "failed">("starting");
  const [problem, setProblem] = useState<unknown>();
  const [user, setUser] = useState(account.user);
  const here = useSegments();
  const start = (): void => {
    setState("starting");
    account.restore().then(
      () => setState("ready"),
      (error: unknown) => {
        setProblem(error);
        setState("failed");
      },
    );
  };
  useEffect(() => account.onChange(() => setUser(account.user)), []);
  useEffect(start, []);
  if (state === "starting") return <p class="visually-hidden">Loading</p>;
  if (state === "failed") {
    return (
      <main id="main" class="narrow">
        <Title title="Vitrine" />
        <Failure error={problem} retry={start} />
      </main>
    );
  }
  const [place, first, secret] = here;
  if (place === "setup" && first !== undefined) return <SetUpPage token={first} />;
  if (place === "invitation" && first !== undefined && secret !== undefined) return <InvitationPage organization={first} token={secret} />;
  if (place === "signed-in") return <ReturnedPage />;
  if (user === undefined) return <SignInPage failed={place === "not-signed-in" ? first : undefined} />;
  if (place === "authorize") return <AuthorizePage />;
  return (
    <>
      <Top key={user} />
      <main id="main" tabIndex={-1}>
        <Place />
      </main>
      <footer>
        <p class="fine">
          Vitrine {config.version} · <a href="/docs/errors">Errors explained</a> · <a href="/api/v2/docs">Geometry API</a>
        </p>
      </footer>
    </>
  );
}

const root = document.getElementById("app");
if (root) render(<App />, root);

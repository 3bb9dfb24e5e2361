/**
 * What the image, compose.yaml and the Kubernetes manifests say, as data: only what the checks look at is decoded.
 */
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { readdirSync, readFileSync } from "node:fs"

const root = new URL("../../", import.meta.url)
export const readText = (path: string): string => readFileSync(new URL(path, root), "utf8")
const read = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, path: string) =>
  Schema.decodeUnknownSync(schema)(Yaml.parse(readText(path)))

const Texts = Schema.Record(Schema.String, Schema.String)

const ComposeService = Schema.Struct({
  image: Schema.optionalKey(Schema.String),
  build: Schema.optionalKey(Schema.Struct({ context: Schema.String, target: Schema.String })),
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  environment: Schema.optionalKey(Texts),
  ports: Schema.optionalKey(Schema.Array(Schema.String)),
  volumes: Schema.optionalKey(Schema.Array(Schema.String)),
  depends_on: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ condition: Schema.String }))),
  healthcheck: Schema.optionalKey(Schema.Struct({ test: Schema.Array(Schema.String) })),
  read_only: Schema.optionalKey(Schema.Boolean),
  cap_drop: Schema.optionalKey(Schema.Array(Schema.String)),
  security_opt: Schema.optionalKey(Schema.Array(Schema.String)),
  stop_grace_period: Schema.optionalKey(Schema.String)
})

const Compose = Schema.Struct({ services: Schema.Record(Schema.String, ComposeService) })

export const composeText = readText("compose.yaml")
export const compose = read(Compose, "compose.yaml").services

const Probe = Schema.Struct({
  httpGet: Schema.Struct({ path: Schema.String, port: Schema.String }),
  periodSeconds: Schema.Int,
  failureThreshold: Schema.Int
})

const Container = Schema.Struct({
  image: Schema.String,
  args: Schema.Array(Schema.String),
  env: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String }))),
  envFrom: Schema.optionalKey(Schema.Array(Schema.Record(Schema.String, Schema.Struct({ name: Schema.String })))),
  ports: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, containerPort: Schema.Int }))),
  startupProbe: Schema.optionalKey(Probe),
  livenessProbe: Schema.optionalKey(Probe),
  readinessProbe: Schema.optionalKey(Probe),
  securityContext: Schema.Struct({
    allowPrivilegeEscalation: Schema.Boolean,
    readOnlyRootFilesystem: Schema.Boolean,
    capabilities: Schema.Struct({ drop: Schema.Array(Schema.String) })
  })
})

const PodTemplate = Schema.Struct({
  metadata: Schema.Struct({ labels: Texts }),
  spec: Schema.Struct({
    serviceAccountName: Schema.String,
    automountServiceAccountToken: Schema.Boolean,
    enableServiceLinks: Schema.Boolean,
    terminationGracePeriodSeconds: Schema.optionalKey(Schema.Int),
    securityContext: Schema.Struct({
      runAsNonRoot: Schema.Boolean,
      runAsUser: Schema.Int,
      seccompProfile: Schema.Struct({ type: Schema.String })
    }),
    containers: Schema.NonEmptyArray(Container)
  })
})

const Selector = Schema.Struct({ matchLabels: Texts })
const named = { metadata: Schema.Struct({ name: Schema.String, labels: Texts }) }
const Template = Schema.Struct({ template: PodTemplate })
const kubernetes = <S extends Schema.ConstraintDecoder<unknown>>(file: string, spec: S) =>
  read(Schema.Struct({ kind: Schema.String, ...named, spec }), `ops/kubernetes/${file}`)

export const deployment = kubernetes("deployment.yaml", Schema.Struct({ selector: Selector, template: PodTemplate }))
export const migration = kubernetes("migration.yaml", Template)
export const service = kubernetes(
  "service.yaml",
  Schema.Struct({ selector: Texts, ports: Schema.Array(Schema.Struct({ targetPort: Schema.String })) })
)
export const budget = kubernetes(
  "poddisruptionbudget.yaml",
  Schema.Struct({ selector: Selector, maxUnavailable: Schema.Int })
)
export const autoscaler = kubernetes(
  "horizontalpodautoscaler.yaml",
  Schema.Struct({
    scaleTargetRef: Schema.Struct({ kind: Schema.String, name: Schema.String }),
    minReplicas: Schema.Int,
    maxReplicas: Schema.Int
  })
)
export const configMap = read(Schema.Struct({ ...named, data: Texts }), "ops/kubernetes/configmap.yaml")
export const kustomization = read(
  Schema.Struct({
    resources: Schema.Array(Schema.String),
    images: Schema.Array(Schema.Struct({ name: Schema.String, newTag: Schema.String }))
  }),
  "ops/kubernetes/kustomization.yaml"
)
export const kubernetesFiles: ReadonlyArray<string> = readdirSync(new URL("ops/kubernetes/", root))

/** The scrape that compose.yaml runs. */
export const scrape = read(
  Schema.Struct({
    rule_files: Schema.Array(Schema.String),
    scrape_configs: Schema.NonEmptyArray(
      Schema.Struct({
        metrics_path: Schema.String,
        authorization: Schema.Struct({ credentials_file: Schema.String }),
        static_configs: Schema.NonEmptyArray(Schema.Struct({ targets: Schema.Array(Schema.String) }))
      })
    )
  }),
  "ops/prometheus/prometheus.yml"
)

interface Stage {
  readonly from: string
  readonly name: string
  readonly lines: ReadonlyArray<readonly [instruction: string, rest: string]>
}

/** The stages of the Dockerfile, each with its instructions. */
export const stages: ReadonlyArray<Stage> = readText("Dockerfile")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll("\\\n", " ")
  .split(/^(?=FROM )/m)
  .flatMap((text) => {
    const [, from, name] = /^FROM (\S+) AS (\S+)$/m.exec(text) ?? []
    if (from === undefined || name === undefined) return []
    const lines = [...text.matchAll(/^([A-Z]+) (.+)$/gm)].map(
      ([, instruction = "", rest = ""]) => [instruction, rest.replaceAll(/\s+/g, " ")] as const
    )
    return [{ from, name, lines }]
  })

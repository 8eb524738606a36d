// The name of an image, taken apart as container runtimes do.

export interface ImageName {
  /** With its port: `registry.example.com:5000`. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | null;
  /** Lower-case hex SHA-256. */
  readonly digest: string | null;
}

const NAME = /^([^\s@]{1,400}?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@sha256:([0-9a-f]{64}))?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** Null for what is no name. Without a host it is Docker Hub's, and there in `library/` unless it says where. */
export function parseImageName(image: string): ImageName | null {
  const [, name = "", tag = null, digest = null] = NAME.exec(image) ?? [];
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost";
  const bare = isHost ? name.slice(slash + 1) : name;
  const repository = !isHost && slash === -1 ? `library/${bare}` : bare;
  if (!REPOSITORY.test(repository)) return null;
  return { host: isHost ? first : "docker.io", repository, tag, digest };
}

/** The pages that `vigie ota --help` and `vigie ota GROUP --help` print. */

export const OVERVIEW = `Usage: vigie ota GROUP ACTION [OPTIONS]     vigie ota GROUP --help

Models reach nodes as signed bundles, over the broker that the nodes already have. Whoever holds
the broker, or the hub, can keep an update back; nobody without the keys can make one.

On a workstation:
  key      make signing keys, and look at them
  bundle   make a bundle from a model: files by their hash, golden vectors, health gate
  repo     the signed repository: what there is, who may sign, for how long it holds
  rollout  bring a release to more and more nodes, and stop when it fails on some
  fleet    what the nodes say of themselves
  serve    the hub: hands the repository's public folder to nodes, over the broker
  broadcast  publish a release's blocks once, for all nodes

On a node:
  node     status, check, install, rollback, pin, unblock
  import   take an update from a folder or a stick

  conformance-client   the update client, as the conformance suite of The Update Framework drives it

From nothing to a model on a node (docs/ota.md explains each step):
  vigie ota key gen --all keys
  vigie ota repo init fleet --keys keys
  vigie ota repo sign fleet --key keys
  vigie ota bundle build score.onnx --name pump-score --release 1 --threshold 3
  vigie ota repo add fleet pump-score-1
  vigie ota repo sign fleet --key keys/release.key
  vigie ota rollout start fleet pump-score/1 --group default --key keys
  vigie ota serve fleet --broker mqtt://localhost --site plant --time-key keys/time.key

Every action takes --json; errors are then printed as { "error": { code, message, facts } }.
`;

export const GROUP_PAGES: Readonly<Record<string, string>> = {
  key: `Usage: vigie ota key gen FILE | --all FOLDER
       vigie ota key info FILE…

Signing keys are ed25519. Each is two files: NAME.key, sealed with a passphrase (scrypt, then
AES-256-GCM) and readable by you alone; and NAME.pub, which may go anywhere.

  gen    make one key, or with --all one for every role that a repository has
  info   what a key file says without its passphrase: KEYID, public key, how it is sealed

Whoever holds two keys of root holds the fleet. Keep keys of root and targets apart from each other
and from every machine that is on the network; keep those of snapshot, timestamp, deploy and time on
the hub.
`,
  repo: `Usage: vigie ota repo init REPO --keys FOLDER
       vigie ota repo add REPO BUNDLE
       vigie ota repo sign REPO --key FILE…
       vigie ota repo publish REPO --key FILE…
       vigie ota repo status REPO

A repository is a folder. Changes are drafts first; a draft becomes public when enough keys signed it:

  init      make a repository: drafts of its first root, targets, release and deploy
  add       list a built bundle in the draft of release
  sign      sign drafts, or a signing request that 'export' made
  export    write drafts to one file, for keys on a machine without the repository
  import    take the signatures back
  publish   make what is signed public, under a new snapshot and timestamp
  remove    drop a release that nobody runs any more
  prune     drop all old ones, and remove files that nothing leads to
  rotate    change the keys of a role, or how many must sign
  status    versions, expiry, signatures that are missing
  verify    check a public folder, or a stick, as a node would, to the last byte

  role       keys     signs                                        holds    kept
  root       2 of 3   which keys speak for which role              1 year   offline
  targets    2 of 3   who may release and who may deploy           1 year   offline
  release    1 of 1   bundles                                      180 days offline
  deploy     1 of 1   which group runs which bundle                30 days  hub
  snapshot   1 of 1   which files belong together                  30 days  hub
  timestamp  1 of 1   that this is still the newest                7 days   hub
  time       1 of 1   the time, for nodes without a clock          -        hub

REPO/public is all that nodes see: the hub serves it, and a copy of it on a stick is a whole update.
'publish' again before timestamp expires (a timer, daily), changes or none.
`,
  bundle: `Usage: vigie ota bundle build MODEL.onnx --name NAME --release N --threshold X [-o FOLDER]
       vigie ota bundle build MANIFEST.json --release N [-o FOLDER]
       vigie ota bundle inspect BUNDLE
       vigie ota bundle verify BUNDLE [--run]

A bundle is one release of one model: a folder with bundle.json and, named by their SHA-256, the files
that it lists. docs/bundle.md has the format.

  build     hash the files, make golden vectors with ONNX Runtime, write bundle.json
  inspect   what a bundle holds and asks of a node
  verify    hash everything again; with --run, run its golden vectors here
`,
  rollout: `Usage: vigie ota rollout start REPO NAME/RELEASE --group NAME --key FILE… [--broker URL --site NAME]
       vigie ota rollout status REPO
       vigie ota rollout pause|resume|abort REPO [ROLLOUT]

  start       say what a group is to run: all of it at once, or wave by wave while reports are good
  status      rollouts and where they are
  pause       stop the waves; what is out stays out
  resume      let them go on
  abort       take the release back, and block it
  configure   send a configuration to a group
`,
  fleet: `Usage: vigie ota fleet list [REPO] --broker URL --site NAME

  list   what each node runs, tries and refused, and whether its word is to be trusted
`,
  node: `Usage: vigie ota node status
       vigie ota node check
       vigie ota node install | rollback | pin | unblock NAME

Asks the node that runs on this machine, over a socket in its data directory: no broker and no
password are needed, and whoever may not write there may not ask.

  status    what serves, what is on its way, what was refused and why
  check     look for updates now
  install   begin the trial of what is staged, whatever the hours
  rollback  back to the release before
  pin       stay with what serves, whatever is assigned
  unblock   let a release that failed be tried again
`,
};

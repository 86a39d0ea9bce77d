//go:build race

package audit

// slowdown is how much less is tried where every access is watched for races: what
// verification finds does not depend on who watches.
const slowdown = 9

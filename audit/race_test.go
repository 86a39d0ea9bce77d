//go:build race

package audit_test

// slowdown is how much less is tried where every access is watched for races:
// everything is tried where nobody does.
const slowdown = 12

//go:build race

package main

// slowdown is how much less is tried where every access is watched for races:
// everything is tried where nobody does. It is odd, so that steps meet both halves
// of what comes in pairs.
const slowdown = 13

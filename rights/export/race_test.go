//go:build race

package export_test

// every is which bytes are tried where the race detector makes each of them slow.
const every = 13

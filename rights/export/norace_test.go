//go:build !race

package export_test

// every is which bytes are tried: all of them.
const every = 1

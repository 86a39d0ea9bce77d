//go:build !race

package vault_test

const slowdown = 1

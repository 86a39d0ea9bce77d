//go:build !race

package audit

const slowdown = 1

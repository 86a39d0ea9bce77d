//go:build !race

package task_test

const slowdown = 1

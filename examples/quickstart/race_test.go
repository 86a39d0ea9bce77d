//go:build race

package main

// raced says that the race detector is at work, under which a story takes ten times as
// long.
const raced = true

//go:build race

package task_test

// slowdown is how much less is done where every access is watched: SQLite in
// pure Go takes more than ten times as long then.
const slowdown = 10

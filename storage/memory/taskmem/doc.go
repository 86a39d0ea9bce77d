// Package taskmem keeps the rows of tasks in memory, on a handle of package
// memory. It is for tests, for trying things out, and the model against which
// the SQL adapter is tested.
package taskmem

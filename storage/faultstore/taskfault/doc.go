// Package taskfault puts a task.Backend under a plan of package faultstore: each
// method is a call of its own name.
package taskfault

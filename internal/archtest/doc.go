// Package archtest holds the rules that the house stands by: who may import
// whom, what each public package drags into a program, what it exports. The
// rules are pure functions over a [Graph], so that the tests can break each one
// on purpose; the tests then apply them to what the go command lists.
//
// After a change that is meant, "make golden" writes the golden files again,
// and the reviewer reads their difference.
package archtest

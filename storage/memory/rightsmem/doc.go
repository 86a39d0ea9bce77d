// Package rightsmem keeps the rights desk's rows in memory: for tests, for trying things
// out, and as the reference that the other adapters are compared with.
package rightsmem

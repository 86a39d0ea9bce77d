//go:build sqlitec

package main

import _ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

func init() { inC = "sqlite3" }

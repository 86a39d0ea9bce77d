package archtest

import (
	"maps"
	"slices"
	"strings"
)

// Module is the path of the published module.
const Module = "github.com/trothdev/troth"

// Package is one package as the go command lists it.
type Package struct {
	// Path is the import path, Dir its folder.
	Path, Dir string
	// Module is the path of its module; empty for the standard library.
	Module string
	// Files are the base names of its non-test Go files.
	Files []string
	// Imports are the paths that its non-test files import, TestImports those
	// of its test files.
	Imports, TestImports []string
}

// Graph is a set of packages by import path.
type Graph map[string]*Package

// NewGraph returns the graph of the given packages.
func NewGraph(pkgs ...*Package) Graph {
	g := Graph{}
	for _, p := range pkgs {
		g[p.Path] = p
	}
	return g
}

// Ours returns the packages of this repository, in order of their paths: the
// published module's and those of the programs beside it.
func (g Graph) Ours() []*Package {
	return g.where(func(p *Package) bool { return ours(p.Path) })
}

// Published returns the packages of the published module.
func (g Graph) Published() []*Package {
	return g.where(func(p *Package) bool { return p.Module == Module })
}

// Public returns the packages of the published module that a host can import.
func (g Graph) Public() []*Package {
	return g.where(func(p *Package) bool {
		return p.Module == Module && PlaceOf(p.Path).Floor != Internal && len(p.Files) > 0
	})
}

func (g Graph) where(keep func(*Package) bool) []*Package {
	var out []*Package
	for _, path := range slices.Sorted(maps.Keys(g)) {
		if keep(g[path]) {
			out = append(out, g[path])
		}
	}
	return out
}

// Reach returns the paths of all packages that a program needs which imports
// path, in order, itself included; test files do not count.
func (g Graph) Reach(path string) []string {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		if p := g[path]; p != nil {
			for _, imp := range p.Imports {
				visit(imp)
			}
		}
	}
	visit(path)
	return slices.Sorted(maps.Keys(seen))
}

// moduleOf returns the module of the package at path, the path itself if the
// graph does not know it, and nothing for the standard library.
func (g Graph) moduleOf(path string) string {
	if p := g[path]; p != nil {
		return p.Module
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return path
	}
	return ""
}

// within reports whether path is root or lies under it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// ours reports whether path is a package of this repository.
func ours(path string) bool { return within(path, Module) }

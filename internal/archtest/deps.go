package archtest

import (
	"slices"
	"strings"
)

// Deps returns what a program compiles because it imports the package at path:
// our own packages, then the modules of others, one a line. The standard
// library is left out.
func (g Graph) Deps(path string) string {
	var own, modules []string
	for _, dep := range g.Reach(path) {
		switch module := g.moduleOf(dep); {
		case dep == path || module == "":
		case ours(dep):
			own = append(own, "package "+dep)
		default:
			modules = append(modules, "module "+module)
		}
	}
	slices.Sort(modules)
	lines := slices.Concat(own, slices.Compact(modules))
	if len(lines) == 0 {
		return "nothing but the standard library\n"
	}
	return strings.Join(lines, "\n") + "\n"
}

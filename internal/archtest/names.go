package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	slash "path"
	"regexp"
	"slices"
	"strings"
)

// Names are what code declares, for pages and comments that speak of it.
type Names struct {
	// tests are the functions of test files, by folder; none for a folder without tests.
	tests map[string][]string
	// packages are the exported names of each package, by its name: top level, and
	// "Type.Member". Packages of one name are taken together.
	packages map[string]map[string]bool
	// open are types whose members are not all known: aliases, and those that embed.
	open map[string]bool
	// parts are the types of the fields of a kit, which pages call k, by field.
	parts map[string]string
}

// NewNames has none yet.
func NewNames() *Names {
	return &Names{
		tests: map[string][]string{}, packages: map[string]map[string]bool{}, open: map[string]bool{}, parts: map[string]string{},
	}
}

// Add takes in what a file declares. Of test files only functions are taken.
func (n *Names) Add(name string, content []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("archtest: parse: %w", err)
	}
	tests := n.tests[slash.Dir(name)]
	defer func() { n.tests[slash.Dir(name)] = tests }()
	if strings.HasSuffix(name, "_test.go") {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				tests = append(tests, fn.Name.Name)
			}
		}
		return nil
	}
	pkg := f.Name.Name
	if n.packages[pkg] == nil {
		n.packages[pkg] = map[string]bool{}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			declared := d.Name.Name
			if r := receiver(d); r != "" {
				declared = r + "." + declared
			}
			n.packages[pkg][declared] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				n.spec(pkg, s)
			}
		}
	}
	return nil
}

func (n *Names) spec(pkg string, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			n.packages[pkg][name.Name] = true
		}
	case *ast.TypeSpec:
		n.packages[pkg][s.Name.Name] = true
		var members *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			members = t.Fields
		case *ast.InterfaceType:
			members = t.Methods
		}
		if s.Assign.IsValid() {
			n.open[pkg+"."+s.Name.Name] = true
		}
		if members == nil {
			return
		}
		for _, m := range members.List {
			if len(m.Names) == 0 {
				n.open[pkg+"."+s.Name.Name] = true
			}
			for _, name := range m.Names {
				n.packages[pkg][s.Name.Name+"."+name.Name] = true
				if pkg+"."+s.Name.Name == "kit.Kit" {
					n.parts[name.Name] = partOf(m.Type)
				}
			}
		}
	}
}

// partOf names the type that a field points to: "audit.Trail".
func partOf(t ast.Expr) string {
	if star, ok := t.(*ast.StarExpr); ok {
		if of, ok := star.X.(*ast.SelectorExpr); ok {
			if pkg, ok := of.X.(*ast.Ident); ok {
				return pkg.Name + "." + of.Sel.Name
			}
		}
	}
	return ""
}

// has reports whether a package declares a name, or a member of a type.
func (n *Names) has(pkg, name string) bool {
	of, _, member := strings.Cut(name, ".")
	return n.packages[pkg][name] || member && n.open[pkg+"."+of]
}

var (
	// testName is a test that is spoken of; a star or dots behind it, or an underscore at
	// its end, stand for all that begin so.
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark|Example)[A-Z]\w*[*…]?`)
	// command runs a program, or tests or benchmarks by name, in one of the modules.
	command = regexp.MustCompile("go (?:test|run|build) [^`\n]*")
	folder  = regexp.MustCompile(` \./([\w/]*\w)(?:$|[ \n])`)
	bench   = regexp.MustCompile(`-bench '?([\w|]+)`)
	run     = regexp.MustCompile(`-run '?([\w|]+)`)
	// qualified is a name of a package, as code has it.
	qualified = regexp.MustCompile(`(?:^|[^\w./-])([a-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	// docLink is a link of a doc comment.
	docLink = regexp.MustCompile(`\B\[\*?(?:([a-z]\w*)\.)?([A-Z]\w*(?:\.[A-Z]\w*)?)\]\B`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
	code    = regexp.MustCompile("`([^`\n]+)`")
)

// Unknown returns the names in a page, or a comment of package pkg, that no code has.
func (n *Names) Unknown(name, text, pkg string) (bad []string) {
	say := func(what string) { bad = append(bad, name+" speaks of "+what) }
	for _, test := range testName.FindAllString(text, -1) {
		inExample := pkg != "" && !strings.Contains(test, "_")
		if !inExample && !n.test(test) {
			say("test " + test)
		}
	}
	for _, c := range command.FindAllString(text, -1) {
		if !n.runs(c) {
			say(c)
		}
	}
	if pkg == "" {
		for _, m := range code.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			for _, q := range qualified.FindAllStringSubmatch(m[1], -1) {
				n.check(q, say)
				n.checkKit(q, say)
			}
		}
		return bad
	}
	for _, m := range docLink.FindAllStringSubmatch(text, -1) {
		of := m[1]
		if of == "" {
			of = pkg
		}
		if n.packages[of] != nil && !n.has(of, m[2]) {
			say("[" + strings.TrimPrefix(m[1]+"."+m[2], ".") + "]")
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") { // code of the comment
			for _, q := range qualified.FindAllStringSubmatch(line, -1) {
				n.check(q, say)
				if pkg == "kit" {
					n.checkKit(q, say)
				}
			}
		}
	}
	return bad
}

// check says that a qualified name is none, where its package is ours.
func (n *Names) check(q []string, say func(string)) {
	known := n.packages[q[1]]
	if known == nil || n.has(q[1], q[2]) && (q[3] == "" || n.has(q[1], q[2]+"."+q[3])) {
		return
	}
	say(strings.TrimSuffix(q[1]+"."+q[2]+"."+q[3], "."))
}

// checkKit says that a name of a kit is none: k.Close, k.Trail.Verify.
func (n *Names) checkKit(q []string, say func(string)) {
	part, member := n.parts[q[2]], q[3]
	if q[1] != "k" || n.has("kit", "Kit."+q[2]) && (member == "" || part == "") {
		return
	}
	pkg, of, _ := strings.Cut(part, ".")
	if part == "" || !n.has(pkg, of+"."+member) {
		say(strings.TrimSuffix("k."+q[2]+"."+member, "."))
	}
}

// runs reports whether a command finds the folder and what it names to run there.
func (n *Names) runs(c string) bool {
	in := folder.FindStringSubmatch(c)
	if in == nil {
		return true
	}
	want := bench.FindStringSubmatch(c)
	if want == nil { // with benchmarks tests are often chosen by a name that none has
		want = run.FindStringSubmatch(c)
	}
	return slices.ContainsFunc([]string{"", "examples", "integration"}, func(module string) bool {
		tests, there := n.tests[slash.Join(module, in[1])]
		if !there || want == nil {
			return there
		}
		pattern, err := regexp.Compile(want[1])
		return err == nil && slices.ContainsFunc(tests, pattern.MatchString)
	})
}

// test reports whether there is a test of that name, or one that begins so.
func (n *Names) test(name string) bool {
	begin := strings.TrimRight(name, "*…")
	prefix := begin != name || strings.HasSuffix(name, "_")
	for _, tests := range n.tests {
		if slices.ContainsFunc(tests, func(t string) bool { return t == name || prefix && strings.HasPrefix(t, begin) }) {
			return true
		}
	}
	return false
}

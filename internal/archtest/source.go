package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
)

// source is a package's syntax.
type source struct {
	fset  *token.FileSet
	files []*ast.File
}

// parse reads the package's non-test files.
func parse(p *Package) (source, error) {
	s := source{fset: token.NewFileSet()}
	for _, name := range p.Files {
		f, err := parser.ParseFile(s.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return s, fmt.Errorf("archtest: parse: %w", err)
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// receiver returns the name of the type that a method is declared on.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// exported reports whether a function, or a method and its type, can be named
// from outside.
func exported(f *ast.FuncDecl) bool {
	return f.Name.IsExported() && (f.Recv == nil || ast.IsExported(receiver(f)))
}

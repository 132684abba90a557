// A csc.dll: drives the Roslyn library with csc's own command-line syntax.
using System;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

public static class Csc
{
    public static int Main(string[] argv) => Run(argv, Console.Out);

    public static int Run(string[] argv, TextWriter log)
    {
        string cwd = Directory.GetCurrentDirectory();
        string fx = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        CSharpCommandLineArguments a = CSharpCommandLineParser.Default.Parse(argv, cwd, fx);
        int errors = 0;
        void Report(Diagnostic d)
        {
            if (d.Severity == DiagnosticSeverity.Hidden || d.Severity == DiagnosticSeverity.Info || d.IsSuppressed) return;
            log.WriteLine(CSharpDiagnosticFormatter.Instance.Format(d));
            if (d.Severity == DiagnosticSeverity.Error || d.IsWarningAsError) errors++;
        }
        foreach (Diagnostic d in a.Errors) Report(d);
        if (errors > 0) return 1;
        var trees = a.SourceFiles.Select(f =>
        {
            using var s = File.OpenRead(f.Path);
            return CSharpSyntaxTree.ParseText(SourceText.From(s, canBeEmbedded: true), a.ParseOptions, f.Path);
        }).ToList();
        var refs = a.MetadataReferences.Select(r =>
            (MetadataReference)MetadataReference.CreateFromFile(Path.GetFullPath(r.Reference, cwd), r.Properties)).ToList();
        // Implementation assemblies of the running framework stand in for the reference pack.
        foreach (string dll in Directory.GetFiles(fx, "*.dll"))
        {
            try { System.Reflection.AssemblyName.GetAssemblyName(dll); } catch (BadImageFormatException) { continue; }
            refs.Add(MetadataReference.CreateFromFile(dll));
        }
        string name = a.OutputFileName ?? Path.ChangeExtension(Path.GetFileName(a.SourceFiles[0].Path), a.CompilationOptions.OutputKind == OutputKind.DynamicallyLinkedLibrary ? ".dll" : ".exe");
        var comp = CSharpCompilation.Create(Path.GetFileNameWithoutExtension(name), trees, refs, a.CompilationOptions);
        string outPath = Path.Combine(a.OutputDirectory ?? cwd, name);
        using (var pe = new MemoryStream())
        using (var xml = a.DocumentationPath is null ? null : new MemoryStream())
        {
            var r = comp.Emit(pe, xmlDocumentationStream: xml, options: a.EmitOptions.WithDebugInformationFormat(Microsoft.CodeAnalysis.Emit.DebugInformationFormat.Embedded));
            foreach (Diagnostic d in r.Diagnostics) Report(d);
            if (!r.Success || errors > 0) return 1;
            File.WriteAllBytes(outPath, pe.ToArray());
            if (xml is not null) File.WriteAllBytes(a.DocumentationPath!, xml.ToArray());
        }
        return 0;
    }
}

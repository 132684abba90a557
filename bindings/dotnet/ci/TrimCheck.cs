// Looks for what a trimmed or ahead-of-time compiled program cannot do: uses of
// framework members that say so (`RequiresUnreferencedCode`, `RequiresDynamicCode`,
// `RequiresAssemblyFiles`) or that want types kept (`DynamicallyAccessedMembers`).
// Less than the SDK's analyzers, which also follow data; the library needs none of it.
//
//   TrimCheck FOLDER FILE…
//
// The sources below FOLDER, and these files.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

public static class TrimCheck
{
    private static readonly string[] Refused =
    [
        "RequiresUnreferencedCodeAttribute", "RequiresDynamicCodeAttribute", "RequiresAssemblyFilesAttribute",
    ];

    // One use of each kind, which the check must see.
    private const string Bad = """
        class Bad<T>
        {
            static Lazy<T> Make() => new();
            static string Serialize(object value) => System.Text.Json.JsonSerializer.Serialize(value);
            static Type Generic(Type type) => type.MakeGenericType(typeof(int));
            static string Place() => typeof(string).Assembly.Location;
            static object Files() => typeof(string).Assembly.GetFiles();
            static object? Create(Type type) => Activator.CreateInstance(type);
            static System.Reflection.MethodInfo? Method(Type type) => type.GetMethod("Name");
        }
        """;

    public static int Main(string[] arguments)
    {
        string[] files = Directory.GetFiles(arguments[0], "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Concat(arguments.Skip(1)).ToArray();
        List<string> control = Uses([("Bad.cs", Bad), .. Texts(arguments.Skip(1))], out int _).ToList();
        if (control.Select(use => use.Split(':')[1]).Distinct().Count() != 7)
        {
            Console.WriteLine($"the check does not see what it must:\n{string.Join("\n", control)}");
            return 1;
        }
        List<string> found = Uses(Texts(files), out int looked).ToList();
        found.ForEach(Console.WriteLine);
        if (looked < 500)
        {
            Console.WriteLine($"only {looked} uses of members: is this the library?");
            return 1;
        }
        Console.WriteLine($"trimming: {looked} uses of members in {files.Length} files, {found.Count} that a trimmed program cannot have");
        return found.Count == 0 ? 0 : 1;
    }

    private static IEnumerable<(string, string)> Texts(IEnumerable<string> files) => files.Select(file => (file, File.ReadAllText(file)));

    private static List<string> Uses(IEnumerable<(string Path, string Text)> sources, out int looked)
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        var references = new List<MetadataReference>();
        foreach (string file in Directory.GetFiles(framework, "*.dll"))
        {
            try
            {
                System.Reflection.AssemblyName.GetAssemblyName(file);
            }
            catch (BadImageFormatException)
            {
                continue;
            }
            references.Add(MetadataReference.CreateFromFile(file));
        }
        var options = new CSharpParseOptions(LanguageVersion.CSharp12);
        var compilation = CSharpCompilation.Create("Trim", sources.Select(source => CSharpSyntaxTree.ParseText(source.Text, options, source.Path)),
            references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        Diagnostic[] errors = compilation.GetDiagnostics().Where(one => one.Severity == DiagnosticSeverity.Error).ToArray();
        if (errors.Length > 0)
        {
            throw new InvalidOperationException(string.Join("\n", errors.Take(5)));
        }
        looked = 0;
        var uses = new List<string>();
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
            {
                if (node is not (SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ElementAccessExpressionSyntax or ConstructorInitializerSyntax)
                    || model.GetSymbolInfo(node).Symbol is not (IMethodSymbol or IPropertySymbol or IEventSymbol or IFieldSymbol) and not INamedTypeSymbol { IsGenericType: true })
                {
                    continue;
                }
                ISymbol symbol = model.GetSymbolInfo(node).Symbol!;
                looked++;
                if (Reason(symbol) is { } reason)
                {
                    FileLinePositionSpan place = tree.GetLineSpan(node.Span);
                    uses.Add($"{Path.GetFileName(place.Path)}:{place.StartLinePosition.Line + 1}: {symbol.ToDisplayString()}: {reason}");
                }
            }
        }
        return uses;
    }

    private static string? Reason(ISymbol symbol)
    {
        ISymbol origin = symbol.OriginalDefinition;
        IEnumerable<ISymbol> declared = [origin];
        if (origin is IPropertySymbol property)
        {
            declared = declared.Concat(new ISymbol?[] { property.GetMethod, property.SetMethod }.OfType<ISymbol>());
        }
        for (INamedTypeSymbol? type = origin.ContainingType; type is not null; type = type.ContainingType)
        {
            declared = declared.Append(type);
        }
        string? refused = declared.SelectMany(one => one.GetAttributes()).Select(one => one.AttributeClass?.Name).FirstOrDefault(name => Refused.Contains(name));
        if (refused is not null)
        {
            return refused;
        }
        // No attribute says this: the SDK's analyzer knows the member by name, too.
        if (origin is IPropertySymbol { Name: "Location", ContainingType.Name: "Assembly" })
        {
            return "is empty in a single file";
        }
        // A type that is written out is kept; one that came as a parameter may not be.
        (IEnumerable<ITypeParameterSymbol> parameters, IEnumerable<ITypeSymbol> types) = symbol switch
        {
            IMethodSymbol method => (method.OriginalDefinition.TypeParameters, method.TypeArguments),
            INamedTypeSymbol type => (type.OriginalDefinition.TypeParameters, type.TypeArguments),
            _ => (Enumerable.Empty<ITypeParameterSymbol>(), Enumerable.Empty<ITypeSymbol>()),
        };
        IEnumerable<AttributeData> wanted = parameters.Zip(types)
            .Where(pair => pair.Second is ITypeParameterSymbol).SelectMany(pair => pair.First.GetAttributes());
        if (origin is IMethodSymbol call)
        {
            wanted = wanted.Concat(call.GetAttributes()).Concat(call.Parameters.SelectMany(one => one.GetAttributes()));
        }
        return wanted.Select(one => one.AttributeClass?.Name).FirstOrDefault(name => name == "DynamicallyAccessedMembersAttribute");
    }
}

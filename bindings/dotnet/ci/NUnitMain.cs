// CI only: runs a test assembly through NUnit's own in-framework runner.
//
//   nunit.dll ASSEMBLY [PATTERN]    PATTERN: a regular expression for the names of tests
using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.Loader;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

string path = Path.GetFullPath(args[0]);
AssemblyLoadContext.Default.Resolving += (c, n) => { string p = Path.Combine(Path.GetDirectoryName(path)!, n.Name + ".dll"); return File.Exists(p) ? c.LoadFromAssemblyPath(p) : null; };
return Runner.Go(path, args.Length > 1 ? args[1] : null);

internal static class Runner
{
    // NUnit captures Console.Out while a test runs: keep the real one.
    private static readonly TextWriter Out = Console.Out;
    internal static int Go(string path, string? pattern)
    {
        _ = Out;
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(AssemblyLoadContext.Default.LoadFromAssemblyPath(path), new Dictionary<string, object>());
        TestFilter filter = pattern is null ? TestFilter.Empty : TestFilter.FromXml($"<filter><test re=\"1\">{System.Security.SecurityElement.Escape(pattern)}</test></filter>");
        ITestResult r = runner.Run(new Listener(), filter);
        Console.WriteLine(System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription);
        Console.WriteLine($"{r.PassCount} passed, {r.FailCount} failed, {r.SkipCount + r.InconclusiveCount} skipped");
        return r.FailCount == 0 && r.PassCount > 0 && r.ResultState.Status == TestStatus.Passed ? 0 : 1;
    }
    private sealed class Listener : ITestListener
    {
        public void TestStarted(ITest test) { }
        public void TestFinished(ITestResult r)
        {
            if (!r.Test.IsSuite) Out.WriteLine($"{r.ResultState.Status,-7} {r.Test.FullName}");
            if (r.ResultState.Status == TestStatus.Failed && !r.Test.IsSuite) Out.WriteLine(r.Message + "\n" + r.StackTrace);
        }
        public void TestOutput(TestOutput output) => Out.Write(output.Text);
        public void SendMessage(TestMessage message) { }
    }
}

using System.Globalization;
using System.Text;
using System.Xml;
using NotationVerifier;

namespace VerifyImageInfo;

/// <summary>Writes what a build system shows as test results.</summary>
internal static class JUnit
{
    internal static void Write(string path, IReadOnlyCollection<ImageResult> results, TimeSpan elapsed)
    {
        var settings = new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false) };
        using XmlWriter xml = XmlWriter.Create(path, settings);
        xml.WriteStartElement("testsuites");
        xml.WriteStartElement("testsuite");
        xml.WriteAttributeString("name", "image signatures");
        xml.WriteAttributeString("tests", Number(results.Count));
        xml.WriteAttributeString("failures", Number(results.Count(IsFailure)));
        xml.WriteAttributeString("errors", Number(results.Count(IsError)));
        xml.WriteAttributeString("skipped", Number(results.Count(IsSkipped)));
        xml.WriteAttributeString("time", Seconds(elapsed));
        foreach (ImageResult result in results.OrderBy(one => one.Index))
        {
            Write(xml, result);
        }

        xml.WriteEndElement();
        xml.WriteEndElement();
    }

    private static void Write(XmlWriter xml, ImageResult result)
    {
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", "signature");
        xml.WriteAttributeString("name", Clean(result.Reference));
        xml.WriteAttributeString("time", Seconds(result.Elapsed));
        string? element = IsError(result) ? "error" : IsFailure(result) ? "failure" : IsSkipped(result) ? "skipped" : null;
        if (element is not null)
        {
            xml.WriteStartElement(element);
            xml.WriteAttributeString("message", Clean(result.Reason));
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    /// <summary>Nothing is known of it: the build is broken, not the image.</summary>
    internal static bool IsError(ImageResult result) =>
        result.Report is not { } report || report.Status == ArtifactStatus.LookupFailed;

    internal static bool IsSkipped(ImageResult result) => result.Report?.Verdict == Verdict.Skipped;

    internal static bool IsFailure(ImageResult result) => !result.IsTrusted && !IsError(result) && !IsSkipped(result);

    /// <summary>A registry's words may have characters that XML cannot.</summary>
    private static string Clean(string text) =>
        string.Concat(text.Select(one => XmlConvert.IsXmlChar(one) ? one : '\uFFFD'));

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);
}

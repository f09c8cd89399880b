using System.Collections;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using Gantry.PowerShell.Objects;
using Gantry.PowerShell.Objects.Specs;

namespace Gantry.PowerShell.References;

/// <summary>The base of transformations: takes PowerShell's wrapping off, and turns a bad text into a binding error.</summary>
public abstract class TextTransformationAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        try
        {
            return TransformValue(AsWritten(inputData) ?? Unwrap(inputData));
        }
        catch (Exception e) when (e is FormatException or ArgumentException or PSInvalidCastException)
        {
            throw new ArgumentTransformationMetadataException(e.Message, e);
        }
    }

    private protected abstract object? TransformValue(object? value);

    /// <summary>What was typed where PowerShell has read a number with a suffix of its own: <c>1s</c> is an Int16 to it, <c>2d</c> a Decimal. Null for everything else.</summary>
    private static string? AsWritten(object? value) =>
        value is PSObject { BaseObject: short or ushort or decimal or long or sbyte or byte } && value.ToString() is { Length: > 1 } text && char.IsAsciiDigit(text[0]) && char.IsAsciiLetter(text[^1]) ? text : null;

    private protected static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    /// <summary>The elements of a list, or the one thing that it is.</summary>
    private protected static IEnumerable<object?> Flatten(object? value) => value switch
    {
        null => [],
        string or IDictionary => [value],
        IEnumerable items => items.Cast<object?>().SelectMany(item => Flatten(Unwrap(item))),
        _ => [value],
    };
}

/// <summary>Makes a table of names and values of a hashtable or of <c>NAME=value</c> texts.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class PairsTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value)
    {
        if (value is null or IDictionary) return value;
        var pairs = new OrderedDictionary();
        foreach (object? item in Flatten(value))
        {
            if (item is IDictionary table)
            {
                foreach (DictionaryEntry pair in table) pairs[pair.Key] = pair.Value;
                continue;
            }
            var (name, text) = Pairs.Split(Pairs.Text(item));
            if (name.Length == 0) throw new FormatException($"'{item}' has no name: write NAME=value, or give a hashtable.");
            pairs[name] = text;
        }
        return pairs;
    }
}

/// <summary>Takes sizes as numbers (<c>512MB</c> is one in PowerShell) or as texts such as <c>512m</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class ByteSizeTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value) => value is string text ? ByteSize.Parse(text) : value;
}

/// <summary>Takes port bindings as objects, texts, numbers, or a hashtable of host to container ports: <c>@{8080 = 80}</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class PortBindingTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value) => value is null ? null : Flatten(value).SelectMany(Read).ToArray();

    private static IEnumerable<ContainerPortBinding> Read(object? item) => item switch
    {
        ContainerPortBinding binding => [binding],
        IDictionary table when table.Contains(nameof(ContainerPortBinding.ContainerPort)) => [LanguagePrimitives.ConvertTo<ContainerPortBinding>(table)],
        IDictionary table => table.Cast<DictionaryEntry>()
            .SelectMany(pair => Flatten(Unwrap(pair.Value)).SelectMany(port => ContainerPortBinding.ParseAll($"{Pairs.Text(pair.Key)}:{Pairs.Text(port)}")))
            .OrderBy(b => b.ContainerPort),
        _ => ContainerPortBinding.ParseAll(Pairs.Text(item)),
    };
}

/// <summary>Takes a point in time as a date, or as how long ago it was: a TimeSpan, seconds, or a text such as <c>10m</c>, <c>1h30m</c>, <c>2d</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class PointInTimeTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value) => value switch
    {
        TimeSpan ago => DateTimeOffset.Now - ago,
        int or long or double => DateTimeOffset.Now - TimeSpan.FromSeconds(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        DateTime time => new DateTimeOffset(time),
        string text => TryReadDuration(text, out var ago) ? DateTimeOffset.Now - ago : ReadDate(text),
        _ => value,
    };

    private static DateTimeOffset ReadDate(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.CurrentCulture, DateTimeStyles.AssumeLocal, out var time) || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out time)
            ? time
            : throw new FormatException($"'{text}' is neither a date nor a duration such as 10m, 1h30m or 2d.");

    /// <summary>Numbers with units d, h, m, s, ms, largest first.</summary>
    internal static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        string rest = text.Trim().ToLowerInvariant();
        if (rest.Length == 0) return false;
        while (rest.Length > 0)
        {
            int digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.')) digits++;
            int letters = digits;
            while (letters < rest.Length && char.IsAsciiLetter(rest[letters])) letters++;
            if (!double.TryParse(rest.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return false;
            double? seconds = rest[digits..letters] switch { "ms" => value / 1000, "s" => value, "m" => value * 60, "h" => value * 3600, "d" => value * 86400, _ => null };
            if (seconds is null) return false;
            duration += TimeSpan.FromSeconds(seconds.Value);
            rest = rest[letters..];
        }
        return true;
    }
}

/// <summary>Takes a length of time as a TimeSpan, as seconds, or as a text such as <c>30s</c> or <c>1m30s</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class DurationTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value) => value switch
    {
        sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal => TimeSpan.FromSeconds(Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        string text when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) => TimeSpan.FromSeconds(seconds),
        string text when PointInTimeTransformationAttribute.TryReadDuration(text, out var duration) => duration,
        _ => value,
    };
}

/// <summary>Takes a spec as a hashtable too, also from the pipeline.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field)]
public sealed class SpecTransformationAttribute : TextTransformationAttribute
{
    private protected override object? TransformValue(object? value) => value is IDictionary table ? LanguagePrimitives.ConvertTo<ContainerSpec>(table) : value;
}

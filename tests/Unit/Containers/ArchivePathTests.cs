using Gantry.Daemon.Containers;

namespace Gantry.Unit.Containers;

public sealed class ArchivePathTests
{
    /// <summary>As dockerd 28 cleans them: name in the header, and whether a directory must be there.</summary>
    [Theory]
    [InlineData("/d", "/d", "d", false)]
    [InlineData("d/e", "/d/e", "e", false)]
    [InlineData("/d/", "/d/", "d", true)]
    [InlineData("/d/.", "/d/.", ".", true)]
    [InlineData("/d/./", "/d/.", ".", true)]
    [InlineData("/d/..", "/", "/", true)]
    [InlineData("/../../c", "/c", "c", false)]
    [InlineData("/", "/", "/", true)]
    [InlineData(".", "/.", ".", true)]
    [InlineData("//a//b", "/a/b", "b", false)]
    public void Is_read_as_dockerd_reads_it(string text, string whole, string name, bool directory)
    {
        var path = ArchivePath.Parse(text);
        Assert.Equal((whole, name, directory), (path.ToString(), path.Name, path.MeansDirectory));
    }
}
